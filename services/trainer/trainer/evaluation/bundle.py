"""A bundle examined by its own graphs through ONNX Runtime, fed by role as the service feeds them: the figures are those of the files, whatever their precision.

For bundles whose decoder keeps its cache in place, with heads on the shared map; of a head with an encoder of its own the service's evaluation knows more.
"""
import json
from pathlib import Path

from jinja2 import Environment
import numpy as np
import onnxruntime
from tokenizers import Tokenizer
import torch
from torch import Tensor

from trainer.evaluation.examinee import PointedBy
from trainer.export.decoder_session import DecoderSession
from trainer.heads.mask import Masks
from trainer.heads.moment import Moments
from trainer.heads.region import Regions
from trainer.spoken import Answer, Mark, speak

SURE = 1e-6   # a probability is not nearer to 0 or 1 when it is made a logit again


class BundleError(Exception):
    code = 'bundle'


class BundleParts:
    def __init__(self, folder: Path) -> None:
        self.folder, manifest = folder, json.loads((folder / 'manifest.json').read_text())
        language, self.rows = manifest['language'], {'language': manifest['graphs']}
        if language['kv'].get('mode') != 'inplace':
            raise BundleError(f'{folder}: a decoder with its cache in place is expected. `npx fovea model eval` runs any bundle.')
        self.frames, self.every_ms, self.picture, self.whole = manifest['sampling']['frames'], manifest['sampling']['everyMs'], manifest['image']['size'][0], manifest['vision']['unit'] == 'clip'
        heads = {head['task']: head for head in manifest['heads']}
        if 'encode' in heads.get('mask', {}).get('graphs', {}):
            raise BundleError(f'{folder}: its mask head has an encoder of its own. `npx fovea model eval` runs any bundle.')
        self.tasks, self.recent = frozenset(heads), heads['mask']['bank']['recent'] if 'mask' in heads else 0
        self.thresholds = {task: head['threshold'] for task, head in heads.items()}
        self.tongue, self.longest = BundleTongue(folder, manifest), language['maxNewTokens']
        named = {**manifest['graphs'], **{f'{task}.{part}': row for task, head in heads.items() for part, row in head['graphs'].items()}}
        self.graphs = {name: RoleGraph(folder, row) for name, row in named.items() if name != 'decoder'}
        self.mapped = sorted({role for graph in self.graphs.values() for role in graph.inputs.values() if role.startswith('features.')})
        self.decoder = folder / manifest['graphs']['decoder']['file']

    def see(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        batches = [frames[None]] if self.whole else [frame[None] for frame in frames]
        made = [self.graphs['vision'].run({'pixels.clip' if self.whole else 'pixels.frame': batch}) for batch in batches]
        maps = self.mapped[0] if self.mapped else 'visual'
        return torch.cat([one['visual'] for one in made]), torch.cat([one[maps] for one in made])

    def ask(self, visual: Tensor, times: Tensor, text: str) -> Answer:
        return self.speak(visual, times, text, [])

    def force(self, visual: Tensor, times: Tensor, phrase: str, task: str) -> Mark:
        return self.speak(visual, times, phrase, self.tongue.forced(phrase, task), stop=True).marks[0]

    def speak(self, visual: Tensor, times: Tensor, text: str, forced: list[int], stop: bool = False) -> Answer:
        session = DecoderSession(self.decoder)

        def feed(embeds: Tensor) -> tuple[Tensor, Tensor]:
            step = session.feed(embeds.numpy())
            return torch.from_numpy(step.logits[0].astype(np.float32)), torch.from_numpy(step.hidden[:, -1].astype(np.float32))

        embed = lambda ids: self.graphs['embed'].run({'ids': torch.tensor([ids], dtype=torch.long), 'visual': visual})['embeds']
        before, after = self.tongue.prompt(text)
        seen = self.graphs['prefix'].run({'visual': visual, 'times': times})['embeds'] if 'prefix' in self.graphs else visual.flatten(1, 2)
        logits, _ = feed(torch.cat([embed(before), seen, embed(after)], 1))
        return speak(self.tongue, logits, lambda token: feed(embed([token])), self.longest, forced, stop)

    def regions(self, maps: Tensor, state: Tensor) -> Regions:
        made = self.graphs['region.main'].run({**self.features(maps), 'state': state})
        return Regions(made['boxes'], made['scores'], made['object'])

    def moments(self, visual: Tensor, times: Tensor, state: Tensor) -> Moments:
        made = self.graphs['moment.main'].run({'visual': visual, 'times': times, 'state': state})
        return Moments(made['spans'], made['scores'], made['saliency'], made['object'])

    def prompt(self, by: PointedBy, value: Tensor) -> Tensor | None:
        graph = self.graphs.get(f'mask.prompt.{by}')
        return graph.run({by: value})['prompt'] if graph else None

    def outline(self, maps: Tensor, prompt: Tensor, age: Tensor, memory: list[tuple[Tensor, float]], places: int) -> Masks:
        made = self.graphs['mask.decode'].run({**self.features(maps), 'prompt': prompt, 'prompt.age': age, **self.remembered(memory, places)})
        return Masks(made['mask'], made['iou'].logit(SURE), made['object'].logit(SURE))

    def memorise(self, maps: Tensor, mask: Tensor, present: Tensor, memory: list[tuple[Tensor, float]], places: int) -> Tensor:
        return self.graphs['mask.memory'].run({**self.features(maps), 'mask': mask, 'object': present, **self.remembered(memory, places)})['memory.tokens']

    def remembered(self, memory: list[tuple[Tensor, float]], places: int) -> dict[str, Tensor]:
        tokens = torch.zeros(1, places, *self.graphs['mask.decode'].shape('memory.tokens')[2:])
        valid, ages = torch.zeros(1, places), torch.zeros(1, places)
        for place, (entry, old) in enumerate(memory):
            tokens[:, place], valid[:, place], ages[:, place] = entry, 1.0, old
        return {'memory.tokens': tokens, 'memory.valid': valid, 'memory.age': ages}

    def features(self, maps: Tensor) -> dict[str, Tensor]:
        return {self.mapped[0]: maps} if self.mapped else {}


class RoleGraph:
    """A graph that is fed and read by role; it takes what it needs of what there is."""

    def __init__(self, folder: Path, row: dict) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(folder / row['file'], options, providers=['CPUExecutionProvider'])
        self.inputs, self.outputs = row['inputs'], row['outputs']

    def run(self, values: dict[str, Tensor]) -> dict[str, Tensor]:
        made = self.session.run(list(self.outputs), {name: np.ascontiguousarray(values[role].numpy()) for name, role in self.inputs.items()})
        return {role: torch.from_numpy(value) for role, value in zip(self.outputs.values(), made)}

    def shape(self, role: str) -> list[int]:
        name = next(name for name, given in self.inputs.items() if given == role)
        return next(port.shape for port in self.session.get_inputs() if port.name == name)


class BundleTongue:
    """Text to ids and back, as the manifest says."""

    def __init__(self, folder: Path, manifest: dict) -> None:
        language = manifest['language']
        self.tokenizer = Tokenizer.from_file(str(folder / manifest['tokenizer']))
        self.template = Environment(keep_trailing_newline=False).from_string(language['template'])
        id_of = self.tokenizer.token_to_id
        self.eos, self.phrase, self.visual = (id_of(language[name]) for name in ('eos', 'phraseToken', 'visualToken'))
        self.triggers = {id_of(head['token']['trigger']): head['task'] for head in manifest['heads']}
        self.tasks = {head['task']: id_of(head['token']['task']) for head in manifest['heads']}

    def encode(self, text: str) -> list[int]:
        return self.tokenizer.encode(text, add_special_tokens=False).ids

    def prompt(self, text: str) -> tuple[list[int], list[int]]:
        ids = self.encode(self.template.render(text=text))
        at = ids.index(self.visual)
        return ids[:at], ids[at + 1:]

    def forced(self, phrase: str, task: str) -> list[int]:
        """Without the task token, which follows its trigger by itself."""
        return [self.phrase, *self.encode(phrase), next(trigger for trigger, of in self.triggers.items() if of == task)]

    def shown(self, ids: list[int]) -> str:
        return self.tokenizer.decode(ids, skip_special_tokens=True)
