# SPDX-License-Identifier: MIT
# Completion of memoria-ctl and memoria-fs for bash. What there is to complete comes from --help, so it
# is always what the installed program knows, and from the names of the snapshots in a store.
# shellcheck shell=bash

# Reads a --help; prints the first words of the entries of a section, an option's names one a line.
_memoria_entries() { # SECTION
  awk -v section="$1" '
    /^[^ ]/ { inside = index($0, section) == 1 }
    inside && /^  [^ ]/ {
      if ($1 ~ /,$/) sub(/ *\.\.\.:.*/, ""); else $0 = $1   # "  ro, rw, suid ...: as in mount(8)"
      gsub(/[ ,]+/, "\n"); sub(/^\n/, ""); print
    }'
}

# Reads a --help; prints what the entry of a key tells in parentheses, where that are words to choose from.
_memoria_values() { # SECTION KEY
  awk -v section="$1" -v key="$2" '
    /^[^ ]/ { inside = index($0, section) == 1 }
    inside && ($1 == key || $1 == key "=") && match($0, /\([a-z]+(, [a-z]+)* or [a-z]+\)$/) {
      words = substr($0, RSTART + 1, RLENGTH - 2)
      gsub(/, | or /, "\n", words); print words
    }'
}

# Prints the snapshots of a data directory or a mount.
_memoria_snapshots() { # PLACE...
  local place path
  for place; do
    for path in "${place/#\~/$HOME}"/{snapshots,.snapshots}/*/; do
      [[ ! -d $path ]] || basename "$path"
    done
  done
}

# Offers those of the words, one a line, that begin with what was typed. Not by compgen -W: that carries
# out what stands in the words, and anybody may name a snapshot.
_memoria_offer() { # WORDS TYPED [PREFIX]
  local word
  COMPREPLY=()
  while IFS= read -r word; do
    if [[ -n $word && $word == "$2"* ]]; then COMPREPLY+=("${3-}$(printf %q "$word")"); fi
  done < <(sort -u <<<"$1")
}

# What can follow the words of a command and the arguments behind them.
_memoria_arguments() { # HELP COMMAND ARGUMENT...
  local help=$1 command=$2
  shift 2
  case $command:$# in
    'config set:1') _memoria_entries Settings <<<"$help" ;;
    'config set:2') _memoria_values Settings "$2" <<<"$help" ;;
    'snapshot delete:1' | 'snapshot rollback:1' | 'snapshot diff:1' | 'snapshot diff:2') _memoria_snapshots "$1" ;;
  esac
}

_memoria_ctl() {
  local program=$1 word previous='' help path=() arguments=() commands i
  help=$("$program" --help 2>/dev/null)
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    commands=$(_memoria_entries Subcommands <<<"$help")
    if [[ $word != -* && $'\n'$commands$'\n' == *$'\n'$word$'\n'* ]]; then
      path+=("$word")
      help=$("$program" "${path[@]}" --help 2>/dev/null)
    elif [[ $word != -* && $previous != --keep ]]; then
      arguments+=("$word")
    fi
    previous=$word
  done

  local current=${COMP_WORDS[COMP_CWORD]} found
  commands=$(_memoria_entries Subcommands <<<"$help")
  if [[ $current == -* ]]; then
    found=$(_memoria_entries Options <<<"$help"; "$program" --help | _memoria_entries Options)
  elif [[ -n $commands ]]; then
    found=$commands
  elif [[ $previous == --snapshot ]]; then
    found=$(_memoria_snapshots "${arguments[@]}" "${COMP_WORDS[@]:COMP_CWORD + 1}")
  else
    found=$(_memoria_arguments "$help" "${path[*]}" "${arguments[@]}")
  fi
  if [[ -z $found ]]; then
    compopt -o default 2>/dev/null
    COMPREPLY=()
    return
  fi
  _memoria_offer "$found" "$current"
}

# What follows -o: names, and behind a name and "=" its values. The list is one word for the program,
# but several for readline, which replaces only what is behind the last "=".
_memoria_mount_options() { # HELP LIST
  local help=$1 list=$2 part=${2##*,} found before typed
  before=${list%"$part"}
  typed=$part
  if [[ $part == snapshot=* ]]; then
    found=$(_memoria_snapshots "${COMP_WORDS[@]:1}")
  elif [[ $part == *=* ]]; then
    found=$(_memoria_values 'Mount options' "${part%%=*}" <<<"$help")
  else
    found=$(_memoria_entries 'Mount options' <<<"$help")
  fi
  if [[ $part == *=* ]]; then
    before+=${part%%=*}=
    typed=${part#*=}
  fi
  if [[ $COMP_WORDBREAKS == *=* && $list == *=* ]]; then before=${before#"${list%=*}="}; fi
  _memoria_offer "$found" "$typed" "$before"
  compopt -o nospace 2>/dev/null
}

_memoria_fs() {
  local program=$1 current=${COMP_WORDS[COMP_CWORD]} help line=${COMP_LINE:0:COMP_POINT}
  local list=${line##*[[:space:]]}
  help=$("$program" --help 2>/dev/null)
  if [[ ${line%"$list"} =~ [[:space:]]-o[[:space:]]+$ ]]; then
    _memoria_mount_options "$help" "$list"
  elif [[ $current == -* ]]; then
    _memoria_offer "$(_memoria_entries Options <<<"$help")" "$current"
  else
    COMPREPLY=()
    compopt -o default -o dirnames 2>/dev/null
  fi
}

complete -F _memoria_ctl memoria-ctl
complete -F _memoria_fs memoria-fs memoria
