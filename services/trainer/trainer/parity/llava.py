"""Our LLaVA-OneVision against transformers' own forward pass, tiny and random, in fp32: for prompts without task tokens they must be one."""
from copy import deepcopy

from peft import PeftModel
import torch
from torch import Tensor
from transformers import LlavaOnevisionForConditionalGeneration

from trainer.backbones.llava_onevision.load import tiny_llava
from trainer.backbones.llava_onevision.model import LlavaOnevision
from trainer.backbones.pretrained.speak import Speaker
from trainer.parity.row import Row, compared, same
from trainer.parity.seeded import seeded

ALLOWED = 1e-4


@torch.no_grad()
def llava_rows() -> list[Row]:
    model = tiny_llava().eval()
    frames = ((seeded('frames', 2, model.settings.frames, model.picture, model.picture, 3) * 50 + 128).clamp(0, 255)).to(torch.uint8)
    rows = like_transformers(model, plain(model), frames, 'LoRA fresh')
    for name, parameter in model.named_parameters():
        if 'lora_B' in name:
            parameter.copy_(seeded(name, *parameter.shape, scale=0.05))
    rows += like_transformers(model, merged(model), frames, 'LoRA trained, theirs merged')
    return [*rows, *contract(model, frames)]


def like_transformers(model: LlavaOnevision, theirs: LlavaOnevisionForConditionalGeneration, frames: Tensor, how: str) -> list[Row]:
    """The whole prompt through `forward`, and greedy words through `generate`."""
    language = model.language
    ours = ordinary(model)
    pixels = frames.permute(0, 1, 4, 2, 3).float() / 127.5 - 1
    before, after = language.prompt('where does the red car go ?')
    sight = model.encode(frames)
    prefix = model.prefix(sight.visual)
    count = prefix.shape[1]
    ids = torch.tensor([[*before, *[language.visual] * count, *after]]).expand(len(frames), -1)
    embeds = torch.cat([model.embed(torch.tensor([before])).expand(len(frames), -1, -1), prefix, model.embed(torch.tensor([after])).expand(len(frames), -1, -1)], 1)
    out = theirs(input_ids=ids, pixel_values_videos=pixels, output_hidden_states=True)
    spoken = model.decode(embeds)
    said = theirs.generate(input_ids=ids[:1], pixel_values_videos=pixels[:1], max_new_tokens=6, min_new_tokens=6, do_sample=False, suppress_tokens=language.ids)
    words = torch.tensor([[20, 31, 44, 52, 60]])
    return [
        compared(f'visual tokens and newline ({how})', prefix, theirs.get_video_features(pixels).pooler_output, ALLOWED),
        compared(f'logits of a prompt with {model.settings.frames} frames ({how})', spoken.logits[..., ours], out.logits[..., ours], ALLOWED),
        compared(f'last hidden state ({how})', spoken.hidden, out.hidden_states[-1], ALLOWED),
        compared(f'logits of words alone ({how})', model.decode(model.embed(words)).logits[..., ours], theirs(input_ids=words).logits[..., ours], ALLOWED),
        same(f'six greedy words against generate ({how})', greedy(model, embeds[:1], 6), said[0, -6:].tolist()),
    ]


def contract(model: LlavaOnevision, frames: Tensor) -> list[Row]:
    """Decoding with a cache, trigger then task token, gives the states of one uncached pass, as training reads them."""
    language, speaker = model.language, Speaker(model)
    sight = speaker.see(frames[0])
    rows = []
    for task in ('region', 'mask', 'moment'):
        text = language.forced('the red car', task)
        before, after = language.prompt('the red car')
        embeds = torch.cat([model.embed(torch.tensor([before])), model.prefix(sight.visual), model.embed(torch.tensor([after + text]))], 1)
        rows.append(compared(f'state at {task} token, cached against whole', speaker.force(sight, 'the red car', task).state[0], model.decode(embeds).hidden[0, -1], ALLOWED))
    return rows


def greedy(model: LlavaOnevision, embeds: Tensor, count: int) -> list[int]:
    ids: list[int] = []
    for _ in range(count):
        logits = model.decode(embeds).logits[0, -1].clone()
        logits[model.language.ids] = float('-inf')
        ids.append(int(logits.argmax()))
        embeds = torch.cat([embeds, model.embed(torch.tensor([ids[-1:]]))], 1)
    return ids


def ordinary(model: LlavaOnevision) -> list[int]:
    """The ids that are not TPO's: only those columns are transformers' own."""
    return [id for id in range(model.sizes.text_config.vocab_size) if id not in model.language.ids]


def plain(model: LlavaOnevision) -> LlavaOnevisionForConditionalGeneration:
    return deepcopy(model.lm).unload().eval()


def merged(model: LlavaOnevision) -> LlavaOnevisionForConditionalGeneration:
    copied: PeftModel = deepcopy(model.lm)
    return copied.merge_and_unload().eval()
