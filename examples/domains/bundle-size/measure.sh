set -e
sh build.sh
echo "METRIC bytes=$(gzip -9 -n -c dist/bundle.js | wc -c)"
