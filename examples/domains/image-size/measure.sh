set -e
sh build.sh
echo "METRIC bytes=$(cat out/image.tar* | wc -c)"
