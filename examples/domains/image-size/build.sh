set -e
rm -rf out && mkdir -p out/root
while read -r name; do cp -r "$name" out/root/; done < keep.txt
tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -C out/root -cf out/image.tar .
gzip -1 -n -f out/image.tar
