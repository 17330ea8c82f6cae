const MAX = 64

/**
 * The id of something that belongs to something else, such as the ask of a turn's tool call: always the same for the same two,
 * so that what is done again after an interruption is not done twice [AS1].
 */
export function scopedId(scope: string, own: string): string {
  const whole = `${scope}-${own}`
  if (/^[A-Za-z0-9_-]{1,64}$/.test(whole)) return whole
  // Too long, or letters that an id does not take: a readable beginning and a hash of all of it.
  return `${whole.replace(/[^A-Za-z0-9_-]/g, '_').slice(0, MAX - 9)}-${fnv1a(whole)}`
}

function fnv1a(text: string): string {
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  return (hash >>> 0).toString(16).padStart(8, '0')
}
