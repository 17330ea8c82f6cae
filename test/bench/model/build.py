"""Writes what the bench `model` measures, once: one set of random weights of the 0.5B shape, as our decoders and as each peer wants them.

    python build.py FOLDER [--peers]
"""
import json
from pathlib import Path
import shutil
import subprocess
import sys

SHAPE = 'random-0.5b'
PRECISIONS = ('int4', 'int8', 'fp32')
POSITIONS = 2048


def weights(folder: Path) -> None:
    """A Hugging Face folder in bfloat16: everything else is made from it, so all sides have the same numbers."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from trainer.export.decoder_cli import SHAPES
    from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM
    torch.manual_seed(0)
    model = Qwen2ForCausalLM(Qwen2Config(**SHAPES[SHAPE])).eval()
    model.to(torch.bfloat16).save_pretrained(folder)
    words = Tokenizer(models.WordLevel({'<unk>': 0, '<eos>': 1, **{f'w{index}': index for index in range(2, 1000)}}, unk_token='<unk>'))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    PreTrainedTokenizerFast(tokenizer_object=words, unk_token='<unk>', eos_token='<eos>').save_pretrained(folder)


def ours(folder: Path, precision: str) -> None:
    from trainer.export.decoder_cli import source_of
    from trainer.export.decoder_part import write_decoder_part
    shape, read = source_of(str(folder.parent / 'weights'), 0)
    part = write_decoder_part(folder, shape, read, precision, POSITIONS)
    (folder / 'decoder.json').write_text(json.dumps(part))


def genai(folder: Path) -> None:
    subprocess.run([sys.executable, '-m', 'onnxruntime_genai.models.builder', '-m', str(folder.parent / 'weights'), '-o', str(folder), '-p', 'int4', '-e', 'cpu',
                    '-c', str(folder.parent / 'unused'), '--extra_options', 'hf_remote=false', 'int4_accuracy_level=4', 'int4_block_size=32', 'prune_lm_head=true'], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def once(folder: Path, make) -> None:  # noqa: ANN001 — a function of the folder
    """A folder that is there is whole: it is made under another name first."""
    if folder.exists():
        return
    print(f'building {folder.name}', flush=True)
    half = folder.with_name(f'{folder.name}.part')
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir(parents=True)
    make(half)
    half.rename(folder)


def main() -> None:
    root = Path(sys.argv[1])
    once(root / 'weights', weights)
    for precision in PRECISIONS:
        once(root / precision, lambda folder: ours(folder, precision))
    if '--peers' in sys.argv:
        once(root / 'genai', genai)


if __name__ == '__main__':
    main()
