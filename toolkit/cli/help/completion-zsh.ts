// The completion of zsh: as that of bash, and each word with what it means.
import { completionTable, type Row, words } from './completion-table.ts'

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`
/** NAME:MEANING, as _describe takes it. */
const described = (name: string, meaning: string): string => quoted(`${name.replaceAll(':', '\\:')}:${meaning}`)
const shorten = (text: string): string => (text.length > 70 ? `${text.slice(0, 69)}…` : text)

function caseOf({ path, commands, flags, words, repeats, mixed }: Row): string {
  const valued = flags.flatMap(({ names, value }) =>
    value === undefined ? [] : names.map(name => `${name}:${value || 'files'}`),
  )
  const kinds = words.map(word => word || 'files').concat(repeats ? ['*'] : [])
  const array = (items: readonly string[]) => `(${items.join(' ')})`
  return [
    `    ${quoted(path)})`,
    `      commands=${array(commands.map(({ name, summary }) => described(name, shorten(summary))))}`,
    `      flags=${array(flags.flatMap(({ names, help }) => names.map(name => described(name, shorten(help)))))}`,
    `      values=${array(valued.map(quoted))} words_=${array(kinds.map(quoted))} mixed=${mixed ? 1 : "''"} ;;`,
  ].join('\n')
}

export const zshCompletion = (): string => `#compdef toolkit
# zsh completion for toolkit: source <(toolkit completion zsh), or this as _toolkit in a directory of $fpath
_toolkit_table() {
  case $1 in
${completionTable().map(caseOf).join('\n')}
    *) return 1 ;;
  esac
}

_toolkit_kind() {
  local kind=$1 program=$2
  local -a found
  case $kind in
    none) return ;;
    files) _files; return ;;
    rootfs) compadd busybox; _files -/; return ;;
    one:*) found=(\${(s:,:)\${kind#one:}}) ;;
${Object.entries(words())
  .map(([kind, known]) => `    ${kind}) found=(${known.join(' ')}) ;;`)
  .join('\n')}
    lessons) found=(\${(f)"$($program lessons list 2>/dev/null | sed -n 's/^\\([0-9][0-9]-[^ ]*\\).*/\\1/p')"}) ;;
    modes) found=(none host bridge container: \${(f)"$($program completion names networks 2>/dev/null)"}) ;;
    mounted) found=(\${(f)"$($program completion names volumes 2>/dev/null)"}) ;;
    copied)
      found=(\${(f)"$($program completion names containers:all 2>/dev/null)"})
      compadd -S ':' -a found; _files; return ;;
    *) found=(\${(f)"$($program completion names $kind 2>/dev/null)"}) ;;
  esac
  compadd -a found
}

_toolkit() {
  local -a commands flags values words_
  local mixed table='' n=0 skip='' plain='' i word kind='' pair program=$words[1] cur=$words[CURRENT]
  _toolkit_table ''
  for ((i = 2; i < CURRENT; i++)); do
    word=$words[i]
    if [[ -n $skip ]]; then
      skip=''
    elif [[ $word == -- ]]; then
      plain=1
    elif [[ $word == -* && -z $plain ]]; then
      for pair in $values; do [[ $pair == $word:* ]] && skip=1; done
    elif [[ $n == 0 && -n \${(M)commands:#$word:*} ]]; then
      if [[ $table == container ]] && _toolkit_table \${word/#%ls/ps}; then
        table=\${word/#%ls/ps}
      else
        table=\${table:+$table }$word
        _toolkit_table $table || return 1
      fi
    else
      ((n++))
      [[ -n $mixed ]] || plain=1
    fi
  done
  if [[ -n $skip ]]; then
    for pair in $values; do [[ $pair == $words[CURRENT-1]:* ]] && kind=\${pair#*:}; done
  elif [[ -z $plain && $cur == --*=* ]]; then
    for pair in $values; do [[ $pair == \${cur%%=*}:* ]] && kind=\${pair#*:}; done
    compset -P '*='
  elif [[ -z $plain && $cur == -* ]]; then
    _describe -o flag flags
    return
  elif ((\${#commands} && n == 0)); then
    _describe command commands
    return
  else
    kind=\${words_[n+1]}
    if [[ \${words_[-1]} == '*' ]] && ((n >= \${#words_} - 1)); then kind=\${words_[-2]}; fi
    [[ -z $kind && -z $mixed && $n -gt 0 ]] && kind=files
  fi
  [[ -n $kind ]] && _toolkit_kind $kind $program
}
if [[ \${funcstack[1]} == _toolkit ]]; then _toolkit "$@"; else compdef _toolkit toolkit; fi
`
