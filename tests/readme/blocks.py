# SPDX-License-Identifier: MIT
"""blocks.py readme README ELSEWHERE FSTAB | blocks.py tutorial PAGE: prints the script of the commands
that stand there, for run.sh, which defines 'expect'.

'COMMAND  # => TEXT' prints TEXT and nothing else, on either stream, where '...' stands for anything;
'COMMAND  # exit N => TEXT' also ends with N. Every sh block of README is one of commands to run, unless
ELSEWHERE lists its first line, with the reason and with the file of the test that runs it instead. A block
in a language that nothing tests, or a line of ELSEWHERE that fits no block, is an error."""
import os
import re
import shlex
import sys

EXPECTATION = re.compile(r"\s+# (?:exit (\d+) )?=> (.*)$")


def fail(*words):
    sys.exit("blocks.py: " + " ".join(words))


def pattern(text):
    """The pattern of bash that matches what TEXT stands for."""
    return "*".join(re.sub(r"(\W)", r"\\\1", part) for part in text.split("..."))


def script(lines):
    """Lines of bash, in which the commands that say what they print are handed to 'expect'."""
    command = []
    for line in lines:
        command.append(line)
        if line.endswith("\\"):
            continue
        if found := EXPECTATION.search(line):
            command[-1] = line[:found.start()]
            words = [found[1] or "0", pattern(found[2]), "\n".join(command)]
            yield "expect " + " ".join(map(shlex.quote, words))
        else:
            yield from command
        command = []


def fenced(path):
    """(language, lines) of each fenced block."""
    language, lines = None, []
    with open(path, encoding="utf-8") as file:
        for line in file.read().split("\n"):
            if not line.startswith("```"):
                lines.append(line)
            elif language is None:
                language, lines = line[3:], []
            else:
                yield language, lines
                language = None


def readme(path, elsewhere, fstab):
    root = os.path.dirname(path)
    listed = {}
    with open(elsewhere, encoding="utf-8") as file:
        for line in file:
            if line.startswith("#"):
                continue
            first, reason, test = (part.strip() for part in line.split(" | "))
            if not reason or not os.path.exists(os.path.join(root, test)):
                fail(f"{first}: no reason, or there is no {test}")
            listed[first] = test
    with open(fstab, encoding="utf-8") as file:
        fstab_lines = file.read().split("\n")
    pictures = 0
    for language, lines in fenced(path):
        if language == "sh":
            if listed.pop(lines[0], None) is None:
                yield from script(lines)
        elif language == "fstab":
            if missing := [line for line in lines if line not in fstab_lines]:
                fail(f"{fstab} has no line: {missing[0]}")
        elif language == "":
            pictures += 1
        elif language != "cpp":  # tests/consumer compares and runs that one
            fail(f"no test knows a block of {language}: {lines[0]}")
    if pictures != 1:
        fail(f"{pictures} blocks without a language, instead of the one picture")
    if listed:
        fail("README has no block that begins with:", *listed)


def tutorial(path):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    section = text[text.index("\n# TUTORIAL\n"):text.index("\n# AT BOOT\n")]
    yield from script([line[2:] for line in section.split("\n") if line.startswith("$ ")])


print("\n".join({"readme": readme, "tutorial": tutorial}[sys.argv[1]](*sys.argv[2:])))
