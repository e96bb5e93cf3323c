#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes projects for make and npm that need no network.

usage: projects.py c DIRECTORY FILES      a program of that many C files, with a Makefile that finds the
                                          dependencies; prints the sum of what the files return
       projects.py npm DIRECTORY PACKAGES that many packages as tarballs in DIRECTORY/registry, 40 files
                                          in each, and a project in DIRECTORY/app that needs them all
"""
import io
import json
import os
import random
import sys
import tarfile

MAKEFILE = """\
objects := $(patsubst source/%.c,object/%.o,$(wildcard source/*.c))
program: $(objects)
\t$(CC) -o $@ $^
object/%.o: source/%.c
\t@mkdir -p object
\t$(CC) -O0 -Iinclude -MMD -MP -c -o $@ $<
clean:
\trm -rf object program
-include $(objects:.o=.d)
"""


def write(path: str, text: str) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def c_project(directory: str, count: int) -> None:
    os.makedirs(directory)
    os.chdir(directory)
    write("./Makefile", MAKEFILE)
    for number in range(count):
        write(f"include/f{number}.h", f"int f{number}(void);\n#define VALUE_{number} {number}\n")
        write(f"source/f{number}.c",
              f'#include <stdio.h>\n#include "f{number}.h"\n#include "f{number // 2}.h"\n'
              f"int f{number}(void) {{ return VALUE_{number}; }}\n")
    includes = "".join(f'#include "f{n}.h"\n' for n in range(count))
    calls = "".join(f"  sum += f{n}();\n" for n in range(count))
    write("source/main.c", f'#include <stdio.h>\n{includes}int main(void) {{\n  int sum = 0;\n{calls}'
          '  printf("%d\\n", sum);\n  return 0;\n}\n')
    print(sum(range(count)))


def package(path: str, number: int, count: int) -> None:
    generator = random.Random(number)
    needs = {f"package-{n}" for n in (2 * number + 1, 2 * number + 2) if n < count}
    manifest = {
        "name": f"package-{number}",
        "version": "1.0.0",
        "main": "index.js",
        "bin": {f"run-{number}": "run.js"},
        "dependencies": {name: f"file:../registry/{name}.tgz" for name in sorted(needs)}
    }
    files = {"package.json": json.dumps(manifest), "run.js": "#!/usr/bin/env node\n"}
    calls = "".join(f" + require('{name}')" for name in sorted(needs))
    files["index.js"] = f"module.exports = {number}{calls};\n"
    for extra in range(37):
        files[f"library/{extra % 5}/{extra}.js"] = f"// {generator.randbytes(extra * 20).hex()}\n"
    with tarfile.open(path, "w:gz") as archive:
        for name, text in files.items():
            info = tarfile.TarInfo(f"package/{name}")
            info.size = len(text)
            info.mode = 0o755 if name == "run.js" else 0o644
            archive.addfile(info, io.BytesIO(text.encode()))


def npm_project(directory: str, count: int) -> None:
    os.makedirs(f"{directory}/registry")
    names = [f"package-{number}" for number in range(count)]
    for number, name in enumerate(names):
        package(f"{directory}/registry/{name}.tgz", number, count)
    # All of them by name, so that npm takes each from its tarball.
    write(f"{directory}/app/package.json",
          json.dumps({"name": "app", "version": "1.0.0", "private": True,
                      "dependencies": {n: f"file:../registry/{n}.tgz" for n in names}}))


{"c": c_project, "npm": npm_project}[sys.argv[1]](sys.argv[2], int(sys.argv[3]))
