import type { EdgeMessage, SessionEvent } from '@fovea/protocol'
import type { Session } from '@fovea/sdk/browser'
import { MediaClock } from './clock.ts'
import { ColourBook } from './colours.ts'
import { health, showHealth } from './connection.ts'
import { byId } from './element.ts'
import { Focus } from './focus.ts'
import { Glider } from './glider.ts'
import { inViewWords } from './in-view.ts'
import { Inspector } from './inspector.ts'
import { bindKeys } from './keys.ts'
import { KeptFrames } from './kept-frames.ts'
import { pictureOf } from './picture-of.ts'
import { isOfStream, type Lane, Lanes } from './lanes.ts'
import { Live } from './live.ts'
import { isLoss } from './loss.ts'
import { shapeMark } from './marks.ts'
import { Meters } from './meters.ts'
import type { Notices } from './notices.ts'
import { Overlay } from './overlay.ts'
import { Panes } from './panes.ts'
import { Rate } from './rate.ts'
import { Ruler } from './ruler.ts'
import { Scene } from './scene.ts'
import { SourcePicker } from './source-picker.ts'
import type { Sample } from './sources/samples.ts'
import type { Source } from './sources/source.ts'
import { Stage } from './stage.ts'
import { Standing } from './standing.ts'
import { Talk } from './talk.ts'
import { Timeline } from './timeline.ts'

const METERS_MS = 250
/** The picture is drawn at display rate; the timeline moves a pixel or two in this time. */
const TIMELINE_MS = 50
const SPOKEN_MS = 3000
/** What an answer has found lies over a picture that moves for so long. */
const FOUND_MS = 8000

/** The page over one session: the parts, and what each tells the others. */
export class App {
  readonly #session: Session
  readonly #colours = new ColourBook()
  readonly #clock = new MediaClock()
  readonly #kept = new KeptFrames()
  readonly #scene = new Scene()
  readonly #lanes = new Lanes()
  readonly #seen = new Rate()
  readonly #notices: Notices
  readonly #inspector = new Inspector()
  readonly #panes = new Panes()
  readonly #meters = new Meters()
  readonly #glider = new Glider()
  readonly #live: Live
  readonly #standing: Standing
  readonly #focus: Focus
  readonly #stage = new Stage({ onPick: (picked) => this.#pick(picked), onLive: () => void this.#focus.release() })
  readonly #overlay = new Overlay(this.#stage.overlay)
  readonly #ruler = new Ruler({ now: () => this.#clock.time, onRange: (range) => this.#talk.box.setRange(range) })
  readonly #timeline: Timeline
  readonly #talk: Talk
  readonly #picker = new SourcePicker({ onChoose: (doing, open, sample) => void this.#choose(doing, open, sample) })
  #ageMs: number | undefined
  #timelineAt = 0
  #source = { width: 0, height: 0 }

  constructor(session: Session, notices: Notices) {
    this.#session = session
    this.#notices = notices
    const now = () => this.#clock.time
    this.#live = new Live({ session, clock: this.#clock, kept: this.#kept, onFailure: (error) => notices.error('Frames cannot be sent', error) })
    this.#standing = new Standing({
      session,
      stream: () => this.#live.stream,
      onFailure: (doing, error) => notices.error(doing, error),
      onWatch: (watch, asked) => {
        this.#lanes.expect({ watch, ...asked })
        this.#timeline.update()
      },
      onRefused: (watch) => this.#removeLane(watch),
      onAgain: (watches) => {
        for (const watch of watches) this.#lanes.rename(watch.before, watch.now)
        this.#timeline.update()
        notices.note(`The model is back: ${watches.map(({ query }) => `“${query}”`).join(', ')} ${watches.length === 1 ? 'is' : 'are'} watched for again.`)
      },
    })
    this.#focus = new Focus({
      colours: this.#colours,
      kept: this.#kept,
      now,
      evidence: (id) => this.#talk.evidence(id),
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
    this.#talk = new Talk({
      session,
      notices,
      colours: this.#colours,
      now,
      stream: () => this.#live.stream,
      onAsk: () => {
        this.#panes.show('talk')
        this.#focus.release()
      },
      onFound: (evidence) => {
        const { stream, source } = this.#live
        const here = evidence.filter((one) => one.stream === stream)
        if (here.length > 0) this.#focus.present(here, { forMs: source?.isStill ? undefined : FOUND_MS })
      },
      onPoint: (ids) => this.#focus.point(ids),
      onPin: (id) => this.#focus.pin(id),
      onFollow: (evidence) => {
        const box = evidence.regions?.[0]?.box ?? evidence.box
        const { frame } = evidence
        this.#focus.release()
        if (evidence.mask) void this.#standing.follow({ mask: evidence.mask, frame })
        else if (box) void this.#standing.follow({ box, frame })
      },
    })
  }

  start(): void {
    const session = this.#session
    session.on('message', (message) => this.#hear(message))
    session.on('connection', () => {
      this.#showHealth()
      this.#talk.reconnect()
    })
    byId('watch-form', HTMLFormElement).addEventListener('submit', (event) => {
      event.preventDefault()
      this.#watch()
    })
    bindKeys({
      talk: this.#talk,
      panes: this.#panes,
      picker: this.#picker,
      onHold: () => void this.#live.source?.toggle?.(),
      onEscape: () => this.#escape(),
    })
    this.#showHealth()
    void this.#picker.welcome()
    void this.#readResults()
    setInterval(() => {
      this.#meters.show({ ageMs: this.#ageMs, seen: this.#seen, dropped: this.#live.counts?.dropped })
      this.#focus.refresh()
    }, METERS_MS)
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
      this.#talk.reset(message.state)
      this.#lanes.reset(message.state)
      this.#standing.reset(message.state)
      this.#timeline.update()
    }
    if (message.type === 'error' && message.of === undefined) this.#notices.say(message.message)
    if (message.type === 'session-ready') queueMicrotask(() => this.#showHealth())
  }

  #take(event: SessionEvent): void {
    this.#inspector.add(event)
    if (event.type === 'head-result' && event.evidence.stream === this.#live.stream) this.#kept.hold(event.evidence.mediaTime)
    this.#talk.take(event)
    const { stream } = this.#live
    // What ended before this page began is told again after a reload: that is no news.
    const isOwn = ('watch' in event && this.#standing.has(event.watch)) || ('track' in event && this.#standing.has(event.track))
    if (this.#standing.hear(event) && stream === undefined) {
      this.#lanes.wait(this.#standing.waiting)
      this.#timeline.update()
    } else if (isOfStream(event, stream) && this.#lanes.take(event)) this.#timeline.update()
    if (event.type === 'watch-stopped' || event.type === 'track-ended') {
      this.#scene.forget('watch' in event ? event.watch : event.track)
      if (isOwn && event.error && !(event.type === 'watch-stopped' && isLoss(event.error))) this.#notices.say(event.error.message)
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
    const byKeyboard = this.#picker.settle()
    byId('source-title', HTMLElement).textContent = source.title
    this.#standing.move()
    this.#timeline.update()
    this.#talk.box.offer(sample?.questions ?? [])
    if (!byKeyboard) return
    this.#panes.show('talk')
    this.#talk.box.focus()
  }

  #watch(): void {
    const query = byId('watch-query', HTMLInputElement)
    const text = query.value.trim()
    if (text === '') return query.focus()
    this.#focus.release()
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
    // For these no end is to be told: they have none, had it, or could not be said to the edge yet.
    const isUnsaid = lane.state === 'compiling' && this.#session.connection.state !== 'open'
    const isOver = lane.kind === 'moment' || lane.state === 'ended' || lane.state === 'waiting' || isUnsaid
    if (!this.#standing.stop(lane.id) || isOver) this.#removeLane(lane.id)
  }

  #removeLane(id: string): void {
    this.#lanes.remove(id)
    this.#scene.forget(id)
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
    if (this.#talk.stop()) return
    if (this.#focus.release()) return
    if (this.#ruler.range) return this.#ruler.clear()
    if (!this.#notices.dismissAll() && document.activeElement instanceof HTMLElement) document.activeElement.blur()
  }
}
