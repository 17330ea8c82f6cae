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
WIDTH = 64  # of a head


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


def transformers_js(folder: Path) -> None:
    """genai's int4 graph where transformers.js looks for it."""
    import onnx
    source = folder.parent / 'genai'
    (folder / 'onnx').mkdir()
    model = onnx.load(source / 'model.onnx')
    # Its empty cache is made from the shapes of the graph, where genai leaves the width open.
    for port in (*model.graph.input, *model.graph.output):
        if port.name.startswith(('past_key_values.', 'present.')):
            port.type.tensor_type.shape.dim[3].dim_value = WIDTH
    onnx.save(model, folder / 'onnx/model_q4.onnx', save_as_external_data=True, location='model_q4.onnx_data')
    config = json.loads((folder.parent / 'weights/config.json').read_text())
    (folder / 'config.json').write_text(json.dumps({**config, 'transformers.js_config': {'use_external_data_format': {'model_q4.onnx': 1}}}))
    (folder / 'generation_config.json').write_text((folder.parent / 'weights/generation_config.json').read_text())


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
        once(root / 'transformers-js', transformers_js)


if __name__ == '__main__':
    main()
