/** JSON that strangers wrote. */

// Deeper than any claim, and shallow enough for code that calls itself.
const DEEPEST = 32

/**
 * The number of members in all objects of a parsed value; `NaN` where it is too deep, or a member is called
 * `__proto__`, which assigning would not copy.
 */
export function membersOf (value: unknown, depth = 0): number {
  if (value === null || typeof value !== 'object') return 0
  if (depth === DEEPEST || Object.hasOwn(value, '__proto__')) return NaN
  const inside = Object.values(value)
  let members = Array.isArray(value) ? 0 : inside.length
  for (const member of inside) members += membersOf(member, depth + 1)
  return members
}

// A string, and the colon behind it where it is the name of a member.
const STRING = /"(?:[^"\\]|\\.)*"(\s*:)?/g

/**
 * The JSON object in a text; `null` for anything else, and where a name stands twice in an object (RFC 7515 section 4,
 * RFC 7519 section 4).
 */
export function readObject (text: string): Record<string, unknown> | null {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return null
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return null
  let names = 0
  STRING.lastIndex = 0
  for (let found = STRING.exec(text); found !== null; found = STRING.exec(text)) if (found[1] !== undefined) names++
  return membersOf(value) === names ? value as Record<string, unknown> : null
}
