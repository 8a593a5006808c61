"""Takes the files and commands out of the guides: each code block that is needed is found by a word that only it has.

take_out.py FOLDER
"""
import json
import pathlib
import re
import sys

GUIDES = pathlib.Path(__file__).resolve().parents[2] / "docs/guides"
OUT = pathlib.Path(sys.argv[1])
OUT.mkdir(parents=True)


def block(guide, language, word):
    found = [text for kind, text in re.findall(r"```(\w*)\n(.*?)```", (GUIDES / guide).read_text(), re.S)
             if kind == language and word in text]
    if len(found) != 1:
        sys.exit(f"{guide} has {len(found)} blocks of '{language}' with '{word}'")
    return found[0]


def put(name, text):
    (OUT / name).write_text(text)


put("leveret.toml", block("operating.md", "toml", "disk_free_min"))
put("user.sh", block("operating.md", "sh", "useradd"))
put("leveret.service", block("operating.md", "ini", "ExecStart"))
put("reset.sh", block("operating.md", "sh", "reset.json"))
put("otlp.sh", block("tracing.md", "", "jaegertracing"))

# What a container of the last stage is: what it runs while it is built, and how it is started.
stage = block("operating.md", "dockerfile", "ENTRYPOINT").split("\nFROM ")[-1]
image = {"run": [], "env": {}, "volumes": []}
for line in stage.splitlines()[1:]:
    word, _, rest = line.partition(" ")
    match word:
        case "COPY":
            if rest.split() != ["--from=build", "/src/target/release/leveret", "/usr/local/bin/leveret"]:
                sys.exit(f"not known how to do: {line}")
        case "RUN":
            image["run"].append(rest)
        case "ENV":
            image["env"] |= dict(pair.split("=", 1) for pair in rest.split())
        case "USER":
            image["user"] = rest
        case "VOLUME":
            image["volumes"].append(rest)
        case "EXPOSE":
            image["ports"] = [int(port) for port in rest.split()]
        case "HEALTHCHECK":
            image["health"] = json.loads(rest[rest.index("CMD") + 3:])
        case "ENTRYPOINT":
            image["entrypoint"] = json.loads(rest)
        case _:
            sys.exit(f"not known how to do: {line}")
put("image.json", json.dumps(image))
