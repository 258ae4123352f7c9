// --format: templates as Go's text/template fills them.
import { expect, test } from 'vitest'
import { headOf, template } from '../../../toolkit/cli/text/template/template.ts'
import { freeMap, NIL_LIST, NIL_MAP } from '../../../toolkit/cli/text/template/values.ts'
import { UsageError } from '../../../toolkit/kernel/usage-error.ts'

const value = {
  Name: '/box',
  Count: 3,
  Ratio: 0.5,
  On: true,
  Nothing: null,
  State: { Status: 'running', ExitCode: 0 },
  Config: { Env: ['A=1', 'B=2'], Labels: { tier: 'db', app: 'shop' }, Empty: [] },
  Networks: { web: { IPAddress: '10.0.0.2' }, back: { IPAddress: '10.0.1.2' } },
  Label: (name: string) => `<${name}>`,
  Free: freeMap([['tier', 'db']]),
  Nil: { List: NIL_LIST, Map: NIL_MAP },
}

test.each([
  ['{{json .Free.nope}} {{json .Free}}', 'null {"tier":"db"}'],
  ['{{json .Nil}} {{len .Nil.List}} {{len .Nil.Map}} {{join .Nil.List ","}}|', '{"List":null,"Map":null} 0 0 |'],
  ['{{.Nil.List}} {{.Nil.Map}} {{range .Nil.List}}x{{else}}{{if .Nil.Map}}y{{else}}z{{end}}{{end}}', '[] map[] z'],
  ['{{.Free.tier}} {{.Free.nope}} {{if .Free.nope}}y{{else}}n{{end}} {{.Free}}', 'db <no value> n map[tier:db]'],
  ['{{.Name}} {{.State.Status}}', '/box running'],
  ['{{range $k, $v := .Networks}}{{$k}}={{$v.IPAddress}} {{end}}', 'back=10.0.1.2 web=10.0.0.2 '],
  ['{{range .Config.Env}}{{.}},{{end}}', 'A=1,B=2,'],
  ['{{range $i, $e := .Config.Env}}{{if $i}}, {{end}}{{$e}}{{end}}', 'A=1, B=2'],
  ['{{range $e := .Config.Env}}[{{$e}}]{{end}}', '[A=1][B=2]'],
  ['{{range .Config.Empty}}x{{else}}none{{end}}', 'none'],
  ['{{range .Config.Env}}{{if eq . "B=2"}}{{break}}{{end}}{{.}}{{end}}', 'A=1'],
  ['{{range .Config.Env}}{{if eq . "A=1"}}-{{continue}}{{end}}{{.}}{{end}}', '-B=2'],
  ['{{range 3}}{{.}}{{end}}', '012'],
  ['{{with .State}}{{.Status}} {{$.Name}}{{else}}no{{end}}', 'running /box'],
  ['{{with .Nothing}}x{{else}}no{{end}}', 'no'],
  ['{{with $s := .State}}{{$s.Status}}{{end}}', 'running'],
  ['{{if eq .State.Status "running"}}up{{else}}down{{end}}', 'up'],
  ['{{if eq .State.Status "dead" "exited"}}a{{else if eq .Count 3}}b{{else}}c{{end}}', 'b'],
  ['{{if .State.Health}}{{.State.Health.Status}}{{else}}no check{{end}}', 'no check'],
  ['{{if and .State.Health .State.Health.Status}}x{{else}}y{{end}}{{if not .State.Health}}z{{end}}', 'yz'],
  ['{{ne .Count 3}} {{and .On .Count}} {{or "" "x"}} {{not .On}}', 'false 3 x false'],
  ['{{lt 1 2}} {{gt 1 2}} {{le 2 2}} {{ge "a" "b"}} {{eq .Nothing nil}}', 'true false true false true'],
  ['{{(index .Config.Env 0)}} {{index .Config.Labels "tier"}} {{index .Config.Labels "none"}}.', 'A=1 db .'],
  ['{{(index .Networks "web").IPAddress}}', '10.0.0.2'],
  ['{{.Name | upper}} {{.Name | printf "%q"}} {{"x" | printf "%s-%s" "y"}}', '/BOX "/box" y-x'],
  ['{{.Config.Labels | json}} {{json .Nothing}}', '{"tier":"db","app":"shop"} null'],
  ['a{{/* a comment }} */}}b {{- /* another */ -}} c', 'abc'],
  ['a  {{- "b" -}}  c {{-3}}', 'abc -3'],
  ['{{len .Config.Env}} {{len .Name}} {{len .Networks}} {{.Config.Env | len}}', '2 4 2 2'],
  ['{{printf "%s %d %q %v %5d|%-5s|%05.1f %t %x%%" .Name .Count "a" .Config.Env 7 "ab" .Ratio .On 255}}', ''],
  ['{{join .Config.Env ";"}} {{index (split "a:b" ":") 1}} {{title "one two"}} {{lower "AB"}}', 'A=1;B=2 b One Two ab'],
  ['{{pad "x" 1 2}}|{{truncate "abcdef" 3}}|{{println "a" 1}}{{print "a" 1 2 "b"}}', ' x  |abc|a 1\na1 2b'],
  // As docker 20.10 prints them.
  ['{{html "a<b>&\\"q\'x" 1 2}}|{{html .Name}}', 'a&lt;b&gt;&amp;&#34;q&#39;x1 2|/box'],
  ['{{js "a\\"b\'<>&=\\n\\t\\\\\u00e9"}}', 'a\\"b\\\'\\u003C\\u003E\\u0026\\u003D\\u000A\\u0009\\\\\u00e9'],
  ['{{urlquery "a b&c=d/e?f!*()\'~-_.\u00e9"}}', 'a+b%26c%3Dd%2Fe%3Ff%21%2A%28%29%27~-_.%C3%A9'],
  ['{{$x := 1}}{{if true}}{{$x = 2}}{{$x := 3}}{{$x}}{{end}}{{$x}}', '32'],
  ['{{"}}"}}{{`raw\\n`}}{{"\\u00e9\\t"}}', '}}raw\\n\u00e9\t'],
  ['{{.Label "tier"}}', '<tier>'],
  ['{{.Config.Labels}} {{.Config.Env}} {{.Nothing}}', 'map[app:shop tier:db] [A=1 B=2] <nil>'],
  ['{{.Name}}\\t{{.Count}}\\n', '/box\t3\n'],
  ['{{ slice .Name 1 }}{{slice "abc" 0 2}}', 'boxab'],
])('%s', (source, wanted) => {
  expect(template(source)(value)).toBe(wanted || '/box 3 "a" [A=1 B=2]     7|ab   |000.5 true ff%')
})

test.each([
  ['{{.Nmae}}', /^--format: \{\{\.Nmae\}\}: there is no field Nmae; there are Name, Count, /],
  ['{{.State.Nmae}}', /no field Nmae in \.State; there are Status, ExitCode$/],
  ['{{.Nothing.Name}}', /no field Name in \.Nothing, which is nothing$/],
  ['{{.Config.Env.Name}}', /in \.Config\.Env, which is a list: take it with range or index$/],
  ['{{range .Config.Env}}{{.Name}}{{end}}', /^--format: \{\{\.Name\}\}: there is no field Name, which is text/],
  ['{{wat .Name}}', /no function wat; there are and, .*; fields begin with a dot$/],
  ['{{Name}}', /no function Name/],
  ['{{.Name', /\{\{\.Name: has no \}\}$/],
  ['x {{"a}}', /has no other$|has no \}\}$/],
  ["{{eq .Name 'a'}}", /text stands in double quotes$/],
  ['{{if .Name}}x', /\{\{if \.Name\}\}: has no \{\{end\}\}$/],
  ['{{if .On}}a{{else}}b{{else}}c{{end}}', /no if, with or range/],
  ['{{end}}', /ends nothing$/],
  ['{{break}}', /is in no range$/],
  ['{{}}', /a value is missing$/],
  ['{{(len .Name}}', /a \( has no \)$/],
  ['{{.Name)}}', /\) is too much$/],
  ['{{.Name "x"}}', /\.Name takes no arguments$/],
  ['{{eq .Count "3"}}', /3 is a number, and "3" is text: they cannot be compared$/],
  ['{{index .Config.Env 2}}', /it has 2, counted from 0$/],
  ['{{len 3}}', /that is a number$/],
  ['{{upper}}', /upper takes 1 argument, and has 0$/],
  ['{{printf "%d" "x"}}', /%d takes a number, and that is text$/],
  ['{{printf "%z" 1}}', /there is no %z; there are %s/],
  ['{{printf "%s"}}', /no value for %s$/],
  ['{{$x}}', /there is no \$x; there are \$$/],
  ['{{define "x"}}{{end}}', /define is not supported$/],
  ['{{range .Name}}{{end}}', /range takes a list, a map or a number, and that is text$/],
])('%s is refused in one line', (source, message) => {
  const fill = () => template(source, 1)(value)
  expect(fill).toThrow(UsageError)
  expect(fill).toThrow(message)
  expect(fill).toThrow(expect.objectContaining({ exitCode: 1, message: expect.not.stringContaining('\n') }))
})

test('what is no template, and what asks for what is not there, have each their exit code', () => {
  expect(() => template('{{')).toThrow(expect.objectContaining({ exitCode: 64 }))
  const fill = template('{{.Nosuch}}')
  expect(() => fill(value)).toThrow(expect.objectContaining({ exitCode: 1 }))
})

test('what is nothing is asked for, and what does not hold is not looked at', () => {
  expect(template('{{if and .A .A.B}}x{{else}}y{{end}}{{if or .C .A.B}}z{{end}}')({ A: null, C: 1 })).toBe('yz')
})

test('the head of a table is the template itself, with titles', () => {
  expect(headOf('{{.Names}} is {{.Status}}', { Names: 'NAME' })).toBe('NAME is STATUS')
  expect(headOf('{{upper .ID}}\\t{{json .Actor.Name}}\\t{{printf "%-6d|" .Size}}', {})).toBe('ID\tNAME\tSIZE  |')
  expect(headOf('{{if eq .State "up"}}{{.Ports}}{{end}}{{range .Mounts}} {{.}}{{end}} {{.Label "tier"}}', {})).toBe(
    'PORTS MOUNTS tier',
  )
})
