set -e
sh check.sh >&2
echo "METRIC bytes=$(cat out/image.tar* | wc -c)"
