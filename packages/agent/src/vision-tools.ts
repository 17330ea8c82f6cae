import type { DynamicStructuredTool } from '@langchain/core/tools'
import type { VisionSession } from '@fovea/protocol'
import { count } from './tools/count.ts'
import { findMoment } from './tools/find-moment.ts'
import { follow } from './tools/follow.ts'
import { locate } from './tools/locate.ts'
import { look } from './tools/look.ts'
import { segment } from './tools/segment.ts'
import type { VisionToolOptions } from './vision-tool.ts'

// The list. A new tool is a file in tools/, and its name here.
const tools = [look, locate, segment, follow, findMoment, count]

/**
 * All vision tools over one session, for any LangChain agent.
 *
 *     const agent = createAgent({ model, tools: visionTools(session) })
 */
export function visionTools(session: VisionSession, options: VisionToolOptions = {}): DynamicStructuredTool[] {
  return tools.map((make) => make(session, options))
}
