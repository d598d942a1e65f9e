set -e
sh build.sh
rm -rf out/try && mkdir out/try
tar -C out/try -xf out/image.tar*
test "$(python3 out/try/app/main.py)" = "Hello from the image"
