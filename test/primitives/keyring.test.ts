import { expect, test } from 'vitest'
import { attempt } from '../../toolkit/kernel/call.ts'
import { KEYCTL } from '../../toolkit/kernel/constants.ts'
import { ERRNO } from '../../toolkit/kernel/errno.ts'
import { start } from '../../toolkit/kernel/start.ts'
import { become } from '../../toolkit/primitives/credentials.ts'
import { plan as keyring } from '../../toolkit/primitives/keyring.ts'
import { call, shell } from '../kernel/plans.ts'

const SESSION = -3 // KEY_SPEC_SESSION_KEYRING
const noKeyrings = attempt('keyctl', [KEYCTL.GET_KEYRING_ID, SESSION]) === -ERRNO.ENOSYS
const none = process.getuid!() !== 0 ? 'root' : noKeyrings ? 'a kernel with keyrings' : ''

test.skipIf(none)(`a session keyring of its own${none && ` (needs ${none})`}`, () => {
  const serials = ['ours', 'own', 'own'].map(which => {
    const found = call('keyctl', KEYCTL.GET_KEYRING_ID, SESSION)
    const user = { uid: 1000, gid: 1000, additionalGids: [] }
    const child = start({
      namespaces: [],
      steps: [...(which === 'own' ? keyring() : []), ...become({ user }), found, shell('true')],
    })
    expect(child.next()).toBeUndefined()
    const serial = child.results().at(-2)!
    child.abort()
    return serial
  })
  expect(serials[0]).toBeGreaterThan(0)
  expect(new Set(serials).size).toBe(3)
})
