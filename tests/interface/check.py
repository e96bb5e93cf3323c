# SPDX-License-Identifier: MIT
"""check.py MEMORIA-FS MEMORIA-CTL PAGES COMPLETIONS: every command, option and mount option that --help
shows is in the manual page, in the place where a reader looks for it, and each shell completes it, and
settings, their values and the names of snapshots besides; the pages format without warnings. PAGES has
the formatted pages, COMPLETIONS the sources. Prints all that is missing before it fails."""
import glob
import os
import pty
import re
import select
import subprocess
import sys
import tempfile
import time

FS, CTL, PAGES, COMPLETIONS = sys.argv[1:]
ENVIRONMENT = dict(os.environ, LC_ALL="C.UTF-8", MANWIDTH="100",
                   PATH=":".join([os.path.dirname(FS), os.path.dirname(CTL), os.environ["PATH"]]))
problems = []


def output(*command, **more):
    done = subprocess.run(command, env=ENVIRONMENT, text=True, check=True, timeout=120,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)
    if done.stderr:
        problems.append(f"{' '.join(command[:3])}: {done.stderr}")
    return done.stdout


def section(help_text, name):
    """The first words of the entries of a section of a --help."""
    lines = help_text.split("\n")
    begin = next((i for i, line in enumerate(lines) if line.startswith(name)), None)
    words = []
    for line in lines[begin + 1:] if begin is not None else []:
        if line and not line.startswith(" "):
            break
        if re.match(r"  [^ ]", line):
            words.append(line.split()[0])
    return words


def commands(path=()):
    """(words of a command, its options) of all commands."""
    text = output(CTL, *path, "--help")
    options = [name for names in section(text, "Options") for name in names.split(",")]
    subcommands = section(text, "Subcommands")
    yield path, options, subcommands
    for word in subcommands:
        yield from commands(path + (word,))


def rendered(page):
    text = output("man", "--warnings", "-l", f"{PAGES}/{page}")
    return re.sub("\u2010\n *|.\b", "", text).replace("\u2010", "-").replace("\u2212", "-")


def entry(page, words):
    """The entry of a command in its page: its line, and what stands indented below it."""
    found = re.search(rf"^ {{7}}{' '.join(words)}\b.*\n(?: {{8,}}.*\n|\n)*", page, re.MULTILINE)
    return found.group(0) if found else None


def mentions(text, name):
    return re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text) is not None


def check_pages(everything, fs_options, mount_options):
    ctl, fs = rendered("memoria-ctl.8"), rendered("memoria-fs.8")
    general = ctl[ctl.index("\nOPTIONS"):ctl.index("\nEXIT STATUS")]
    for words, options, subcommands in everything:
        if subcommands and words:
            continue  # a group: its commands have entries
        where = entry(ctl, words) if words else general
        name = " ".join(("memoria-ctl",) + words)
        if where is None:
            problems.append(f"memoria-ctl.8 has no entry '{' '.join(words)}'")
            continue
        for option in options:
            if option not in ("-h", "--help") or not words:
                if not mentions(where, option):
                    problems.append(f"memoria-ctl.8 does not mention {option} of {name}")
    for option in fs_options:
        if not mentions(fs, option):
            problems.append(f"memoria-fs.8 does not mention {option}")
    mount_section = fs[fs.index("\nMOUNT OPTIONS"):fs.index("\nAS A SERVICE")]
    for option in mount_options:
        if not mentions(mount_section, option.rstrip("=")):
            problems.append(f"memoria-fs.8 has no mount option {option}")
    for page in glob.glob(f"{PAGES}/*.[0-9]"):
        rendered(os.path.basename(page))


BASH = r"""
source "$1/memoria.bash"
while IFS= read -r line; do
  read -ra COMP_WORDS <<<"$line"
  [[ $line != *' ' ]] || COMP_WORDS+=('')
  COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMP_LINE=$line COMP_POINT=${#line}
  COMPREPLY=()
  function=$(complete -p "${COMP_WORDS[0]}" | sed 's/.*-F \([^ ]*\).*/\1/')
  "$function" "${COMP_WORDS[0]}"
  echo "> ${COMPREPLY[*]}"
done
"""
FISH = r"""
source $argv[1]/memoria-ctl.fish
source $argv[1]/memoria-fs.fish
while read --local line
    echo '> '(complete -C "$line" | string replace --regex '\t.*' '' | string join ' ')
end
"""
# The completion system of zsh needs a terminal: what gives candidates to it is replaced by a print.
ZSH = r"""
_describe() { print -rn -- "${entries[@]%%:*} " }
_files() { : }
compset() { : }
while IFS= read -r line; do
  words=(${(s: :)line})
  [[ $line != *' ' ]] || words+=('')
  CURRENT=$#words service=$words[1]
  print -n '> '
  source $1/_memoria
  print
done
"""
SHELLS = {
    "bash": ["bash", "--norc", "-c", BASH, "bash", COMPLETIONS],
    "fish": ["fish", "--no-config", "-c", FISH, COMPLETIONS],
    "zsh": ["zsh", "-f", "-c", ZSH, "zsh", COMPLETIONS],
}


def check_completions(expected):
    """expected: pairs of a line up to the cursor and the candidates that must be among the answers."""
    for shell, command in SHELLS.items():
        lines = "".join(line + "\n" for line, _ in expected)
        answers = [line[2:].split() for line in output(*command, input=lines).split("\n") if line]
        if len(answers) != len(expected):
            problems.append(f"{shell} gave {len(answers)} answers to {len(expected)} questions")
            continue
        for (line, candidates), answer in zip(expected, answers):
            missing = [c for c in candidates if c not in answer]
            if missing:
                problems.append(f"{shell} does not complete '{line}' with {' '.join(missing)}")


def check_descriptions(everything):
    """fish shows what each option means, also where --help says it in the next line."""
    for words, options, _ in everything:
        line = " ".join(("memoria-ctl",) + words + ("--",))
        script = "source $argv[1]/memoria-ctl.fish; complete -C $argv[2]"
        told = dict((answer.split("\t") + [""])[:2] for answer in
                    output("fish", "--no-config", "-c", script, COMPLETIONS, line).split("\n"))
        for option in options:
            if option.startswith("--") and not told.get(option):
                problems.append(f"fish has no description of {option} in '{line}'")


class Terminal:
    """A bash that somebody types into, with the completions and nothing else."""

    def __init__(self):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            environment = dict(ENVIRONMENT, TERM="dumb", PS1="", INPUTRC="/dev/null", HISTFILE="")
            os.execvpe("bash", ["bash", "--norc", "--noprofile", "-i"], environment)
        os.write(self.fd, f"bind 'set bell-style none'; source '{COMPLETIONS}/memoria.bash'; "
                          "stty -echo; echo read''y\n".encode())
        self.answer("ready")

    def answer(self, pattern):
        """What matches in what bash says, within ten seconds."""
        said, end = "", time.monotonic() + 10
        while time.monotonic() < end:
            if select.select([self.fd], [], [], 0.1)[0]:
                said += os.read(self.fd, 65536).decode(errors="replace")
            found = re.search(pattern, said)
            if found:
                return found
        problems.append(f"bash does not say {pattern}, but {said!r}")
        return re.match("(.*)", "")

    def completed(self, line):
        """What the line is after a press of Tab."""
        os.write(self.fd, f"{line}\t\x01echo '<\x05>'\n".encode())
        return self.answer(r"(?:^|\n)<(.*?)>\s*\r?\n").group(1)

    def close(self):
        os.write(self.fd, b"exit\n")
        os.waitpid(self.pid, 0)
        os.close(self.fd)


def check_typing(expected):
    """expected: pairs of what is typed and what it becomes, in a bash with a terminal."""
    terminal = Terminal()
    for typed, complete in expected:
        became = terminal.completed(typed)
        if became != complete:
            problems.append(f"bash makes '{became}' of '{typed}', not '{complete}'")
    terminal.close()


def places(root):
    """A data directory and a mount with snapshots, as far as completion looks."""
    data, mount = os.path.join(root, "data"), os.path.join(root, "mount")
    for place in f"{data}/snapshots", f"{mount}/.snapshots":
        for name in "monday", "tuesday":
            os.makedirs(f"{place}/{name}")
    return data, mount


def odd_place(root):
    """A directory of somebody who names snapshots so that a shell would do something."""
    place, hit = os.path.join(root, "odd"), os.path.join(root, "hit")
    ENVIRONMENT["MEMORIA_CHECK_HIT"] = hit
    for name in "x y", "$(touch $MEMORIA_CHECK_HIT)", "`touch $MEMORIA_CHECK_HIT`":
        os.makedirs(f"{place}/snapshots/{name}")
    return place, hit


def arguments(data, mount):
    """Lines and candidates for what is no command and no option."""
    settings = section(output(CTL, "config", "set", "--help"), "Settings")
    assert len(settings) > 10, "--help lists no settings"
    both = ["monday", "tuesday"]
    return ([(f"memoria-ctl config set {data} ", settings),
             (f"memoria-ctl config set {data} sync ", ["always", "interval", "never"]),
             (f"memoria-ctl config set --save {data} verify_reads ", ["true", "false"]),
             (f"memoria-ctl snapshot diff {data} monday ", both),
             (f"memoria-ctl export {data} --snapshot ", both),
             ("memoria-fs -o ", ["ro", "rw", "allow_other", "allow_root", "suid", "dev", "noexec"])] +
            [(f"memoria-ctl snapshot {command} {place} ", both)
             for command in ("delete", "rollback", "diff") for place in (data, mount)])


def main():
    fs_help = output(FS, "--help")
    fs_options = [name for names in section(fs_help, "Options") for name in names.split(",")]
    mount_options = [o for o in section(fs_help, "Mount options") if re.fullmatch(r"[a-z_]+=?", o)]
    everything = list(commands())
    assert len(everything) > 10 and len(mount_options) > 10, "--help is not understood"

    check_pages(everything, fs_options, mount_options)
    expected = [("memoria-fs --", [o for o in fs_options if o.startswith("--")]),
                ("memoria-fs -o ", mount_options)]
    for words, options, subcommands in everything:
        line = " ".join(("memoria-ctl",) + words)
        expected.append((line + " --", [o for o in options if o.startswith("--")]))
        if subcommands:
            expected.append((line + " ", subcommands))
    check_descriptions(everything)
    with tempfile.TemporaryDirectory() as root:
        data, mount = places(root)
        odd, hit = odd_place(root)
        expected += arguments(data, mount)
        check_completions(expected)
        check_typing([("memoria-fs -o sync_interval=5,merge_r", "memoria-fs -o sync_interval=5,merge_rate="),
                      ("memoria-fs -o sync=al", "memoria-fs -o sync=always"),
                      ("memoria-fs -o ro,verify_reads=f", "memoria-fs -o ro,verify_reads=false"),
                      ("memoria-fs -o allow_o", "memoria-fs -o allow_other"),
                      ("memoria-fs -o sync=never,allow_r", "memoria-fs -o sync=never,allow_root"),
                      (f"memoria-fs {data} -o ro,snapshot=t", f"memoria-fs {data} -o ro,snapshot=tuesday"),
                      (f"memoria-ctl config set {data} merge_r", f"memoria-ctl config set {data} merge_rate "),
                      (f"memoria-ctl snapshot delete {mount} t",
                       f"memoria-ctl snapshot delete {mount} tuesday "),
                      (f"memoria-ctl snapshot delete {odd} x", f"memoria-ctl snapshot delete {odd} x\\ y "),
                      (f"memoria-fs {odd} -o snapshot=x", f"memoria-fs {odd} -o snapshot=x\\ y")])
        if os.path.exists(hit):
            problems.append("completion in bash carries out what stands in the names of snapshots")

    for problem in problems:
        print(problem)
    print(f"{len(everything)} commands and groups, {len(expected)} completions in each of "
          f"{len(SHELLS)} shells, {len(problems)} problems")
    sys.exit(1 if problems else 0)


main()
