// The completion of bash: a table of what there is after which words, and a function that looks where the cursor is.
import { completionTable, type Row, words } from './completion-table.ts'

/** For a double-quoted word of the shell; what it holds is ours. */
const list = (items: readonly string[]): string => `'${items.join(' ').replaceAll("'", "'\\''")}'`

function caseOf({ path, commands, flags, words, repeats, mixed }: Row): string {
  const valued = flags.flatMap(({ names, value }) =>
    value === undefined ? [] : names.map(name => `${name}:${value || 'files'}`),
  )
  const kinds = words.map(word => word || 'files').concat(repeats ? ['*'] : [])
  return [
    `    '${path}')`,
    `commands=${list(commands.map(({ name }) => name))}`,
    `flags=${list(flags.flatMap(({ names }) => names))}`,
    `values=${list(valued)}`,
    `words=${list(kinds)}`,
    `mixed=${mixed ? 1 : ''} ;;`,
  ].join(' ')
}

export const bashCompletion = (): string => `# bash completion for toolkit: source <(toolkit completion bash)
_toolkit_table() {
  case $1 in
${completionTable().map(caseOf).join('\n')}
    *) return 1 ;;
  esac
}

# Prints the words of a kind.
_toolkit_words() {
  case $1 in
    none) ;;
    one:*) echo "\${1#one:}" | tr , ' ' ;;
${Object.entries(words())
  .map(([kind, known]) => `    ${kind}) echo ${list(known)} ;;`)
  .join('\n')}
    lessons) "$2" lessons list 2>/dev/null | sed -n 's/^\\([0-9][0-9]-[^ ]*\\).*/\\1/p' ;;
    modes) echo none host bridge container:; "$2" completion names networks 2>/dev/null ;;
    mounted) "$2" completion names volumes 2>/dev/null ;;
    copied) "$2" completion names containers:all 2>/dev/null | sed 's/$/:/' ;;
    *) "$2" completion names "$1" 2>/dev/null ;;
  esac
}

_toolkit() {
  local commands flags values words mixed path= n=0 skip= plain= i word kind= pair
  local cur=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]}
  COMPREPLY=()
  _toolkit_table '' || return
  # bash has parted words at = and at :, so --name=box is three of them.
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    if [[ $skip ]]; then
      skip=
      [[ $word == = ]] && skip=1
    elif [[ $word == : || $word == = ]]; then
      ((i++))
    elif [[ $word == -- ]]; then
      plain=1
    elif [[ $word == -* && ! $plain ]]; then
      for pair in $values; do [[ $pair == "$word":* ]] && skip=1; done
    elif [[ " $commands " == *" $word "* && $n == 0 ]]; then
      if [[ $path == container ]] && _toolkit_table "\${word/#ls/ps}"; then
        path=\${word/#ls/ps}
      else
        path=\${path:+$path }$word
        _toolkit_table "$path" || return
      fi
    else
      ((n++))
      [[ $mixed ]] || plain=1
    fi
  done
  if [[ $cur == = ]]; then
    cur=
  elif [[ $before == = ]]; then
    before=\${COMP_WORDS[COMP_CWORD - 2]}
  fi
  if [[ $cur == : || $before == : ]]; then return; fi # a path in a container, or the like
  if [[ ! $plain && $before == -* ]]; then
    for pair in $values; do [[ $pair == "$before":* ]] && kind=\${pair#*:}; done
  fi
  if [[ ! $kind && ! $plain && $cur == -* ]]; then
    COMPREPLY=($(compgen -W "$flags" -- "$cur"))
    return
  fi
  if [[ ! $kind && $commands && $n == 0 ]]; then
    COMPREPLY=($(compgen -W "$commands" -- "$cur"))
    return
  fi
  if [[ ! $kind ]]; then
    local -a kinds=()
    read -ra kinds <<<"$words"
    kind=\${kinds[n]:-}
    if ((\${#kinds[@]})) && [[ \${kinds[-1]} == '*' ]] && ((n >= \${#kinds[@]} - 1)); then kind=\${kinds[-2]}; fi
    if [[ ! $kind && ! $mixed && $n -gt 0 ]]; then kind=files; fi
  fi
  case $kind in
    '' | none) ;;
    files) COMPREPLY=($(compgen -f -- "$cur")); compopt -o filenames 2>/dev/null ;;
    rootfs) COMPREPLY=($(compgen -W busybox -- "$cur") $(compgen -d -- "$cur")); compopt -o filenames 2>/dev/null ;;
    copied)
      COMPREPLY=($(compgen -W "$(_toolkit_words "$kind" "\${COMP_WORDS[0]}")" -- "$cur") $(compgen -f -- "$cur"))
      compopt -o nospace -o filenames 2>/dev/null ;;
    *)
      COMPREPLY=($(compgen -W "$(_toolkit_words "$kind" "\${COMP_WORDS[0]}")" -- "$cur"))
      if [[ $kind == modes && \${COMPREPLY[0]:-} == container: ]]; then compopt -o nospace 2>/dev/null; fi ;;
  esac
}
complete -F _toolkit toolkit
`
