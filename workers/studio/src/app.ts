import type { EdgeMessage, SessionEvent } from '@fovea/protocol'
import type { Session } from '@fovea/sdk/browser'
import { Answers } from './answers.ts'
import { AnswersView } from './answers-view.ts'
import { AskBox, type Question } from './ask-box.ts'
import { MediaClock } from './clock.ts'
import { ColourBook } from './colours.ts'
import { health, showHealth } from './connection.ts'
import { byId } from './element.ts'
import { Focus } from './focus.ts'
import { Glider } from './glider.ts'
import { inViewWords } from './in-view.ts'
import { Inspector } from './inspector.ts'
import { KeptFrames } from './kept-frames.ts'
import { pictureOf } from './picture-of.ts'
import { isOfStream, type Lane, Lanes } from './lanes.ts'
import { Live } from './live.ts'
import { shapeMark } from './marks.ts'
import { Meters } from './meters.ts'
import type { Notices } from './notices.ts'
import { Overlay } from './overlay.ts'
import { Panes } from './panes.ts'
import { Rate } from './rate.ts'
import { Ruler } from './ruler.ts'
import { Scene } from './scene.ts'
import { bindShortcuts } from './shortcuts.ts'
import { SourcePicker } from './source-picker.ts'
import type { Sample } from './sources/samples.ts'
import type { Source } from './sources/source.ts'
import { Stage } from './stage.ts'
import { Standing } from './standing.ts'
import { Theme } from './theme.ts'
import { Timeline } from './timeline.ts'

const METERS_MS = 250
/** The picture is drawn at display rate; the timeline moves a pixel or two in this time. */
const TIMELINE_MS = 50
const SPOKEN_MS = 3000

/** The page over one session: the parts, and what each tells the others. */
export class App {
  readonly #session: Session
  readonly #colours = new ColourBook()
  readonly #clock = new MediaClock()
  readonly #kept = new KeptFrames()
  readonly #scene = new Scene()
  readonly #lanes = new Lanes()
  readonly #answers = new Answers()
  readonly #seen = new Rate()
  readonly #notices: Notices
  readonly #inspector = new Inspector()
  readonly #panes = new Panes()
  readonly #meters = new Meters()
  readonly #glider = new Glider()
  readonly #live: Live
  readonly #standing: Standing
  readonly #focus: Focus
  readonly #stage = new Stage({ onPick: (picked) => this.#pick(picked) })
  readonly #overlay = new Overlay(this.#stage.overlay)
  readonly #ruler = new Ruler({ now: () => this.#clock.time, onRange: (range) => this.#askBox.setRange(range) })
  readonly #timeline: Timeline
  readonly #askBox = new AskBox({ now: () => this.#clock.time, onAsk: (question) => this.#ask(question), onStop: () => this.#stopAsk() })
  readonly #answersView: AnswersView
  readonly #picker = new SourcePicker({ onChoose: (doing, open, sample) => void this.#choose(doing, open, sample) })
  #ageMs: number | undefined
  #timelineAt = 0
  #running: { ask: string; cancel: () => void } | undefined
  #source = { width: 0, height: 0 }

  constructor(session: Session, notices: Notices) {
    this.#session = session
    this.#notices = notices
    const now = () => this.#clock.time
    this.#live = new Live({ session, clock: this.#clock, kept: this.#kept, onFailure: (error) => notices.error('Frames cannot be sent', error) })
    this.#standing = new Standing({ session, stream: () => this.#live.stream, onFailure: (doing, error) => notices.error(doing, error) })
    this.#focus = new Focus({
      colours: this.#colours,
      kept: this.#kept,
      now,
      evidence: (id) => this.#answers.evidence(id),
      stream: () => this.#live.stream,
      fetch: (evidence) => pictureOf(session, evidence),
      freeze: (frame, label) => void this.#stage.freeze(frame, label),
      live: () => this.#stage.live(),
    })
    this.#timeline = new Timeline({
      lanes: this.#lanes,
      colours: this.#colours,
      ruler: this.#ruler,
      now,
      onStop: (lane) => this.#stopLane(lane),
      onPoint: (lane, stretch) => this.#focus.pointStretch(lane, stretch),
    })
    this.#answersView = new AnswersView({
      colours: this.#colours,
      onPoint: (ids) => this.#focus.point(ids),
      onPin: (id) => this.#focus.pin(id),
      onFollow: (evidence) => {
        const box = evidence.regions?.[0]?.box ?? evidence.box
        const { frame } = evidence
        if (evidence.mask) void this.#standing.follow({ mask: evidence.mask, frame })
        else if (box) void this.#standing.follow({ box, frame })
      },
    })
  }

  start(): void {
    const session = this.#session
    session.on('message', (message) => this.#hear(message))
    session.on('connection', () => this.#showHealth())
    byId('watch-form', HTMLFormElement).addEventListener('submit', (event) => {
      event.preventDefault()
      this.#watch()
    })
    this.#bindKeys()
    this.#showHealth()
    void this.#picker.welcome()
    void this.#readResults()
    setInterval(() => this.#meters.show({ ageMs: this.#ageMs, seen: this.#seen, dropped: this.#live.counts?.dropped }), METERS_MS)
    setInterval(() => this.#speak(), SPOKEN_MS)
    const paint = () => {
      this.#paint()
      requestAnimationFrame(paint)
    }
    requestAnimationFrame(paint)
  }

  async #readResults(): Promise<void> {
    try {
      for await (const result of this.#session.results({ limit: 16 })) {
        if (result.type !== 'frame-seen' || result.stream !== this.#live.stream) continue
        this.#seen.count()
        this.#ageMs = result.captureAgeMs
        this.#scene.take(result)
        this.#lanes.see(result)
      }
    } catch {
      // The session is over: the header says so, with the reason.
      this.#showHealth()
    }
  }

  #hear(message: EdgeMessage): void {
    if ('seq' in message && 'at' in message) return this.#take(message)
    if (message.type === 'session-reset') {
      this.#answers.reset(message.state)
      this.#lanes.reset(message.state)
      this.#standing.reset(message.state)
      for (const answer of this.#answers.all) this.#answersView.update(answer)
      this.#timeline.update()
    }
    if (message.type === 'error' && message.of === undefined) this.#notices.say(message.message)
    if (message.type === 'session-ready') queueMicrotask(() => this.#showHealth())
  }

  #take(event: SessionEvent): void {
    this.#inspector.add(event)
    if (event.type === 'head-result' && event.evidence.stream === this.#live.stream) this.#kept.hold(event.evidence.mediaTime)
    const answer = this.#answers.take(event)
    if (answer) {
      this.#answersView.update(answer)
      this.#askBox.setRunning(this.#answers.running !== undefined)
    }
    const { stream } = this.#live
    if (this.#standing.hear(event) && stream === undefined) {
      this.#lanes.wait(this.#standing.waiting)
      this.#timeline.update()
    } else if (isOfStream(event, stream) && this.#lanes.take(event)) this.#timeline.update()
    if (event.type === 'watch-stopped' || event.type === 'track-ended') {
      this.#scene.forget('watch' in event ? event.watch : event.track)
      if (event.error) this.#notices.say(event.error.message)
    }
    // The session itself hears the event after its listeners.
    if (event.type === 'session-state' || event.type === 'session-ended') queueMicrotask(() => this.#showHealth())
  }

  async #choose(doing: string, open: () => Promise<Source>, sample: Sample | undefined): Promise<void> {
    let source: Source
    try {
      source = await open()
    } catch (error) {
      return this.#notices.error(doing, error)
    }
    this.#focus.release()
    this.#ruler.clear()
    this.#scene.clear()
    this.#lanes.clear()
    this.#ageMs = undefined
    this.#live.open(source)
    this.#stage.show(source.surface, source.size())
    this.#picker.hideWelcome()
    byId('source-title', HTMLElement).textContent = source.title
    this.#standing.move()
    this.#timeline.update()
    this.#askBox.offer(sample?.questions ?? [])
  }

  #ask({ text, by, tasks, at }: Question): void {
    try {
      const stream = this.#live.stream
      const on = stream === undefined ? {} : { stream }
      const run = by === 'agent' ? this.#session.turn(text, on) : this.#session.ask(text, { ...on, ...(tasks && { tasks }), ...(at && { at }) })
      this.#running = { ask: 'ask' in run ? run.ask : run.id, cancel: () => run.cancel() }
      this.#panes.show('talk')
      run.then(undefined, (error: unknown) => {
        this.#notices.error('The question was not taken', error)
        this.#askBox.suggest(text)
      })
    } catch (error) {
      this.#notices.error('The question was not taken', error)
      this.#askBox.suggest(text)
    }
  }

  #stopAsk(): void {
    if (this.#running && this.#answers.isRunning(this.#running.ask)) this.#running.cancel()
  }

  #watch(): void {
    const query = byId('watch-query', HTMLInputElement)
    const text = query.value.trim()
    if (text === '') return query.focus()
    this.#standing.watch(text, byId('watch-task', HTMLSelectElement).value === 'mask' ? 'mask' : 'region')
    query.value = ''
  }

  #pick(picked: Parameters<ConstructorParameters<typeof Stage>[0]['onPick']>[0]): void {
    const frame = this.#focus.frame ?? this.#session.view(this.#live.stream)?.frame
    if (frame === undefined) return this.#notices.say('No frame was seen yet, so nothing can be followed. Wait until the header says Live.')
    this.#stage.dropHint()
    this.#focus.release()
    void this.#standing.follow({ ...picked, frame })
  }

  #stopLane(lane: Lane): void {
    if (lane.kind === 'moment' || lane.state === 'ended' || !this.#standing.stop(lane.id)) this.#lanes.remove(lane.id)
    this.#scene.forget(lane.id)
    this.#timeline.update()
  }

  #paint(): void {
    const source = this.#live.source
    if (source) {
      const size = source.size()
      if (size.width !== this.#source.width || size.height !== this.#source.height) this.#stage.resize((this.#source = size))
    }
    // Marks of evidence belong to its own frame: they wait until that is on the stage.
    const held = this.#stage.isStill ? this.#focus.marks : undefined
    const shapes = held ? [] : this.#glider.settle(this.#scene.shapesAt(this.#clock.time), performance.now())
    const marks = held ?? shapes.flatMap((shape) => shapeMark(shape, this.#lanes.get(shape.of), this.#colours) ?? [])
    this.#overlay.paint({ marks, picking: this.#stage.picking, spotlight: held !== undefined })
    const now = performance.now()
    if (!source || now - this.#timelineAt < TIMELINE_MS) return
    this.#timelineAt = now
    this.#timeline.paint()
  }

  #speak(): void {
    const words = inViewWords(this.#lanes.all)
    const place = byId('in-view', HTMLElement)
    if (place.textContent !== words) place.textContent = words
  }

  #showHealth(): void {
    showHealth(health(this.#session.connection, this.#session.state))
  }

  #escape(): void {
    if (this.#answers.running) return this.#stopAsk()
    if (this.#focus.release()) return
    if (this.#ruler.range) return this.#ruler.clear()
    if (!this.#notices.dismissAll() && document.activeElement instanceof HTMLElement) document.activeElement.blur()
  }

  #bindKeys(): void {
    const theme = new Theme()
    bindShortcuts(
      [
        { keys: ['/', 'q'], shown: '/', does: 'Ask', run: () => (this.#panes.show('talk'), this.#askBox.focus()) },
        { keys: ['w'], shown: 'W', does: 'Watch for something', run: () => (this.#panes.show('standing'), byId('watch-query', HTMLElement).focus()) },
        { keys: ['v'], shown: 'V', does: 'The picture: arrows, Enter follows', run: () => byId('overlay', HTMLElement).focus() },
        { keys: ['t'], shown: 'T', does: 'The timeline: arrows, Shift chooses', run: () => (this.#panes.show('standing'), byId('ruler', HTMLElement).focus()) },
        { keys: ['e'], shown: 'E', does: 'Events', run: () => this.#panes.show('events', { focus: true }) },
        { keys: ['a'], shown: 'A', does: 'Answers', run: () => this.#panes.show('talk', { focus: true }) },
        { keys: ['s'], shown: 'S', does: 'Choose a source', run: () => void this.#picker.open() },
        { keys: ['c'], shown: 'C', does: 'Camera', run: () => this.#picker.camera() },
        { keys: ['o'], shown: 'O', does: 'Open a file', run: () => this.#picker.openFileDialog() },
        { keys: [' '], shown: 'Space', does: 'Hold or play on', run: () => void this.#live.source?.toggle?.() },
        { keys: ['d'], shown: 'D', does: 'Dark or light', run: () => theme.toggle() },
        { keys: ['Escape'], shown: 'Esc', does: 'Stop the answer; back to live', run: () => this.#escape() },
      ],
      [
        { shown: 'Enter', does: 'Ask, watch, or pin what a word rests on' },
        { shown: 'Shift Enter', does: 'A new line in the question' },
        { shown: 'Tab', does: 'Next; words with evidence are stops' },
      ],
    )
  }
}
