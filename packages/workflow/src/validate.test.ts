import type { WorkflowStep } from '@fovea/protocol'
import { expect, test } from 'vitest'
import { inputsOf, validateGraph } from './validate.ts'

const graph = (steps: unknown[], start = 'a') => ({ name: 'check', version: 1, start, steps })
const locate = (id: string, next?: string, query = 'cup'): WorkflowStep => ({ kind: 'locate', id, query, ...(next && { next }) })

test('a sound graph comes back as it is, and says which inputs it reads', () => {
  const sound = graph([
    locate('a', 'b', '{{input.thing}} on the {{ input.place }}'),
    { kind: 'branch', id: 'b', on: 'a.count', when: [{ op: '>', value: 0, next: 'c' }] },
    { kind: 'follow', id: 'c', from: 'a' },
  ])
  expect(validateGraph(sound)).toEqual(sound)
  expect(inputsOf(validateGraph(sound))).toEqual(['thing', 'place'])
})

test.each<[string, unknown, RegExp]>([
  ['no graph at all', { name: 'x' }, /This is not a workflow graph: .*version/],
  ['an unknown kind', graph([{ kind: 'teleport', id: 'a' }]), /not a workflow graph/],
  ['an unknown field', graph([{ ...locate('a'), colour: 'red' }]), /colour/],
  ['two steps of one name', graph([locate('a', 'b'), locate('b'), locate('b')]), /two steps are called b/],
  ['a step called input', graph([locate('input')], 'input'), /cannot be called input/],
  ['a start that is not there', graph([locate('a')], 'z'), /start is z; there is no such step/],
  ['a next that is not there', graph([locate('a', 'z')]), /a goes to z; there is no such step/],
  [
    'a branch that leads nowhere',
    graph([locate('a', 'b'), { kind: 'branch', id: 'b', on: 'a.count', when: [{ op: '>', value: 0, next: 'z' }] }]),
    /b goes to z/,
  ],
  ['a way back', graph([locate('a', 'b'), locate('b', 'a')]), /b leads back to a; a workflow goes forward/],
  ['a step that no way leads to', graph([locate('a'), locate('b')]), /no way leads to b/],
  ['a reference to no step', graph([locate('a', undefined, 'near {{z.box}}')]), /a reads z\.box; there is no step z/],
  [
    'a reference to a value that a step does not give',
    graph([locate('a', 'b'), locate('b', undefined, '{{a.cuont}}')]),
    /b reads a\.cuont; a gives found, count, score, evidence, box/,
  ],
  ['a reference forward', graph([locate('a', 'b', '{{b.count}}'), locate('b')]), /a reads what b found; b has not always run by then/],
  ['a text that is no reference', graph([locate('a', undefined, '{{ something else }}')]), /a: A reference names a step or input/],
  ['a follow of nothing', graph([{ kind: 'follow', id: 'a' }]), /a: it follows a `query` or what an earlier step found/],
])('refuses %s', (_, given, expected) => {
  expect(() => validateGraph(given)).toThrow(expected)
})

test('a reference to a step on only one of two ways is refused, to one on both is not', () => {
  const fork = { kind: 'branch', id: 'fork', on: 'a.count', when: [{ op: '>', value: 0, next: 'left' }], otherwise: 'right' }
  const ways = (read: string) =>
    graph([locate('a', 'fork'), fork, locate('left', 'join'), locate('right', 'join'), locate('join', undefined, `{{${read}.count}}`)])
  expect(() => validateGraph(ways('left'))).toThrow(/join reads what left found; left has not always run by then/)
  expect(() => validateGraph(ways('a'))).not.toThrow()
})

test('all problems of a graph are named at once', () => {
  expect(() => validateGraph(graph([locate('a', 'y'), locate('a', 'z')], 'q'))).toThrow(/two steps.*start is q.*goes to y.*goes to z/)
})
