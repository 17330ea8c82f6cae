import { z } from 'zod'

/** A published file: where it is, how long it is, and what it must hash to. `git` is the hash of a git blob, `sha256` that of a large file's content. */
export type HubFile = { path: string; bytes: number; url: string; hash: { kind: 'sha256' | 'git'; hex: string } }
export type Published = { host: 'huggingface' | 'github'; repository: string; folder?: string; revision?: string }
export type HubOptions = { fetch?: typeof fetch; environment?: Readonly<Record<string, string | undefined>> }

const HuggingFace = z.array(
  z.object({ type: z.string(), path: z.string(), oid: z.string(), size: z.number(), lfs: z.object({ oid: z.string(), size: z.number() }).optional() }),
)
const GitHub = z.array(z.object({ type: z.string(), path: z.string(), sha: z.string(), size: z.number(), download_url: z.string().nullable() }))

/** The files of a published model that match, with their hashes. HF_ENDPOINT and HF_TOKEN are heeded as everywhere. */
export async function listPublished(
  published: Published,
  wanted: RegExp,
  { fetch: get = fetch, environment = process.env }: HubOptions = {},
): Promise<HubFile[]> {
  const { host, repository, folder = '', revision = 'main' } = published
  const endpoint =
    host === 'huggingface' ? (environment['HF_ENDPOINT'] ?? 'https://huggingface.co') : (environment['GITHUB_API_URL'] ?? 'https://api.github.com')
  const url =
    host === 'huggingface'
      ? `${endpoint}/api/models/${repository}/tree/${revision}?recursive=true`
      : `${endpoint}/repos/${repository}/contents/${folder}?ref=${revision}`
  const response = await get(url, { headers: authorization(host, environment) }).catch((cause: unknown) => {
    throw new Error(`${endpoint} cannot be reached. Download ${repository} some other way and give its folder with --from FOLDER.`, { cause })
  })
  if (!response.ok) throw new Error(refusal(response.status, repository, url))
  const json: unknown = await response.json()
  const files = host === 'huggingface' ? ofHuggingFace(HuggingFace.parse(json), `${endpoint}/${repository}/resolve/${revision}`) : ofGitHub(GitHub.parse(json))
  const matching = files.filter(({ path }) => wanted.test(path))
  if (matching.length === 0)
    throw new Error(
      `${repository} lists ${files.length} files, none of which matches ${String(wanted)}. It may have moved; download it and give its folder with --from FOLDER.`,
    )
  return matching
}

export function authorization(host: Published['host'], environment: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const token = host === 'huggingface' ? environment['HF_TOKEN'] : undefined
  return token ? { authorization: `Bearer ${token}` } : {}
}

function ofHuggingFace(entries: z.infer<typeof HuggingFace>, base: string): HubFile[] {
  return entries
    .filter(({ type }) => type === 'file')
    .map(({ path, oid, size, lfs }) => ({
      path,
      bytes: lfs?.size ?? size,
      url: `${base}/${path}`,
      hash: lfs ? { kind: 'sha256', hex: lfs.oid } : { kind: 'git', hex: oid },
    }))
}

function ofGitHub(entries: z.infer<typeof GitHub>): HubFile[] {
  return entries.flatMap(({ type, path, sha, size, download_url: url }): HubFile[] =>
    type === 'file' && url ? [{ path: path.split('/').at(-1) ?? path, bytes: size, url, hash: { kind: 'git', hex: sha } }] : [],
  )
}

function refusal(status: number, repository: string, url: string): string {
  if (status === 401 || status === 403) return `${repository} wants to know who asks (${status}): accept its terms on its page and set HF_TOKEN.`
  if (status === 404) return `There is no ${repository} at ${url}. Download the model and give its folder with --from FOLDER.`
  return `${url} answered ${status}. Try again later, or give a folder with --from FOLDER.`
}
