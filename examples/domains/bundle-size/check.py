"""Runs the bundle in node, with carts that nobody knows before."""

import json
import random
import shutil
import subprocess
import sys

node = shutil.which("node") or sys.exit("node is needed to run the bundle")
subprocess.run(["sh", "build.sh"], check=True)
carts = [[[random.randrange(1, 5000), random.randrange(1, 9)] for _ in range(n % 7)] for n in range(50)]
cents = [sum(price * number for price, number in cart) for cart in carts]
asked = f"console.log(JSON.stringify({json.dumps(carts)}.map(cart => total(cart))))"
said = subprocess.run([node, "-e", open("dist/bundle.js").read() + "\n;" + asked], capture_output=True, text=True)
if said.returncode or json.loads(said.stdout) != [f"${sum // 100}.{sum % 100:02}" for sum in cents]:
    sys.exit(f"the bundle is wrong: {said.stdout}{said.stderr}")
