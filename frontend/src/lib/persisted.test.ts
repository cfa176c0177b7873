// @vitest-environment happy-dom
import { beforeEach, expect, it } from 'vitest'
import { nextTick } from 'vue'
import { isStringList, persisted } from './persisted'

beforeEach(() => localStorage.clear())

it('keeps a choice and reads it back', async () => {
  const first = persisted<string[]>('devices', [], isStringList)
  first.value = ['DEV-P003']
  await nextTick()
  expect(persisted<string[]>('devices', [], isStringList).value).toEqual(['DEV-P003'])
})

it('starts anew from what it cannot use', () => {
  localStorage.setItem('devices', '{"not":"a list"}')
  expect(persisted<string[]>('devices', [], isStringList).value).toEqual([])
  localStorage.setItem('devices', 'not json')
  expect(persisted<string[]>('devices', ['a'], isStringList).value).toEqual(['a'])
})
