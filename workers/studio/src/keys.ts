import { byId } from './element.ts'
import type { Panes } from './panes.ts'
import { bindShortcuts } from './shortcuts.ts'
import type { SourcePicker } from './source-picker.ts'
import type { Talk } from './talk.ts'
import { Theme } from './theme.ts'

type Page = { talk: Talk; panes: Panes; picker: SourcePicker; onHold: () => void; onEscape: () => void }

/** The keys of the page. */
export function bindKeys({ talk, panes, picker, onHold, onEscape }: Page): void {
  const theme = new Theme()
  bindShortcuts(
    [
      { keys: ['/', 'q'], shown: '/', does: 'Ask', run: () => (panes.show('talk'), talk.box.focus()) },
      { keys: ['w'], shown: 'W', does: 'Watch for something', run: () => (panes.show('standing'), byId('watch-query', HTMLElement).focus()) },
      { keys: ['v'], shown: 'V', does: 'The picture: arrows, Enter follows', run: () => byId('overlay', HTMLElement).focus() },
      { keys: ['t'], shown: 'T', does: 'The timeline: arrows, Shift chooses', run: () => (panes.show('standing'), byId('ruler', HTMLElement).focus()) },
      { keys: ['e'], shown: 'E', does: 'Events', run: () => panes.show('events', { focus: true }) },
      { keys: ['a'], shown: 'A', does: 'Answers', run: () => panes.show('talk', { focus: true }) },
      { keys: ['s'], shown: 'S', does: 'Choose a source', run: () => void picker.open() },
      { keys: ['c'], shown: 'C', does: 'Camera', run: () => picker.camera() },
      { keys: ['o'], shown: 'O', does: 'Open a file', run: () => picker.openFileDialog() },
      { keys: [' '], shown: 'Space', does: 'Hold or play on', run: () => onHold() },
      { keys: ['d'], shown: 'D', does: 'Dark or light', run: () => theme.toggle() },
      { keys: ['Escape'], shown: 'Esc', does: 'Stop the answer; back to live', run: () => onEscape() },
    ],
    [
      { shown: 'Enter', does: 'Ask, watch, or pin what a word rests on' },
      { shown: 'Shift Enter', does: 'A new line in the question' },
      { shown: 'Tab', does: 'Next; words with evidence are stops' },
    ],
  )
}
