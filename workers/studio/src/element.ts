type Listeners = { [Name in keyof HTMLElementEventMap as `on${Name}`]?: (event: HTMLElementEventMap[Name]) => void }
type Properties = Listeners & Record<string, unknown>
export type Child = Node | string | undefined | false

/**
 * Makes an element: attributes by name (`false` and `undefined` leave one out, `true` sets it bare), listeners by `onclick` and the like.
 * `element('button', { class: 'quiet', onclick: stop }, 'Stop')`
 */
export function element<Name extends keyof HTMLElementTagNameMap>(name: Name, properties: Properties = {}, ...children: Child[]): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name)
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined || value === false) continue
    if (key.startsWith('on') && isListener(value)) made.addEventListener(key.slice(2), value)
    // A style attribute would be refused by the page's content security policy; a property is not.
    else if (key.startsWith('--')) made.style.setProperty(key, String(value))
    else made.setAttribute(key, value === true ? '' : String(value))
  }
  made.append(...children.filter((child) => child !== undefined && child !== false))
  return made
}

/** The element of the page with this id, of the kind that the caller works with. */
export function byId<Type extends HTMLElement>(id: string, type: new () => Type): Type {
  const found = document.getElementById(id)
  if (found instanceof type) return found
  throw new Error(`The page has no ${type.name} with the id ${id}.`)
}

function isListener(value: unknown): value is (event: Event) => void {
  return typeof value === 'function'
}
