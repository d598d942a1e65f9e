from pathlib import Path

print(Path(__file__).with_name("greeting.txt").read_text().strip())
