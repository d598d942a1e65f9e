set -e
sh build.sh
rm -rf out/try && mkdir out/try
tar -C out/try -xf out/image.tar*
for name in main.py greeting.txt; do cmp "app/$name" "out/try/app/$name"; done
test "$(python3 out/try/app/main.py)" = "Hello from the image"
