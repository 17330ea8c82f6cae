from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM

from trainer.export.decoder_gqa import DecoderShape, write_decoder
from trainer.export.decoder_part import write_decoder_part
from trainer.export.decoder_session import DecoderSession
from trainer.export.decoder_weights import DecoderWeights, of_folder, of_module
from trainer.export.precision_effect import precision_effects
from trainer.export.weight_only import from_blocks, to_blocks

POSITIONS = 48
LENGTHS = (11, 5, 8)


@pytest.fixture(scope='module')
def model() -> Qwen2ForCausalLM:
    torch.manual_seed(3)
    made = Qwen2ForCausalLM(Qwen2Config(hidden_size=64, num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2, intermediate_size=96, vocab_size=200, tie_word_embeddings=True,
                                        max_position_embeddings=128, rope_parameters={'rope_type': 'default', 'rope_theta': 1e6})).eval().requires_grad_(False)
    for name, parameter in made.named_parameters():
        parameter.mul_(4) if parameter.ndim > 1 else parameter.add_(torch.randn_like(parameter) * 0.2)
    return made


@pytest.fixture(scope='module')
def ids() -> list[torch.Tensor]:
    torch.manual_seed(4)
    return [torch.randint(0, 200, (1, length)) for length in LENGTHS]


def written(folder: Path, model: Qwen2ForCausalLM, precision: str, accuracy: int = 1) -> Path:
    return write_decoder(folder / 'decoder.onnx', DecoderShape.of(model.config.to_dict()), of_module(model), precision, POSITIONS, accuracy)[0]


def embeds_of(model: Qwen2ForCausalLM, ids: torch.Tensor) -> np.ndarray:
    return model.get_input_embeddings()(ids).numpy()


def check(model: Qwen2ForCausalLM, path: Path, ids: list[torch.Tensor], tolerance: float) -> None:
    """Each row prefilled in two parts into its slot, then a batch of steps: what transformers gives for the whole rows."""
    session = DecoderSession(path, slots=len(ids))
    for slot, row in enumerate(ids):
        session.feed(embeds_of(model, row[:, :3]), slot)
        session.feed(embeds_of(model, row[:, 3:-1]), slot)
    step = session.feed(np.concatenate([embeds_of(model, row[:, -1:]) for row in ids]))
    for slot, row in enumerate(ids):
        truth = model(row, output_hidden_states=True)
        assert np.abs(step.logits[slot] - truth.logits[0, -1].numpy()).max() <= tolerance
        assert np.abs(step.hidden[slot, -1] - truth.hidden_states[-1][0, -1].numpy()).max() <= tolerance


def test_fp32_gives_the_logits_and_hidden_states_of_transformers_in_place_in_parts_and_in_batches(tmp_path, model, ids):
    check(model, written(tmp_path, model, 'fp32'), ids, 1e-3)


def test_fp16_is_half_throughout_and_stays_near(tmp_path, model, ids):
    path = written(tmp_path, model, 'fp16')
    assert {port.type.tensor_type.elem_type for port in onnx.load(path, load_external_data=False).graph.input if port.name.startswith('past.')} == {onnx.TensorProto.FLOAT16}
    check(model, path, ids, 0.1)


@pytest.mark.parametrize('precision,bits', [('int8', 8), ('int4', 4)])
def test_weight_only_graphs_give_what_transformers_gives_with_the_stored_weights(tmp_path, model, ids, precision, bits):
    path = written(tmp_path, model, precision, accuracy=1)
    rounded = Qwen2ForCausalLM(model.config).eval().requires_grad_(False)
    rounded.load_state_dict(model.state_dict())
    rounded.lm_head.weight = torch.nn.Parameter(model.lm_head.weight.clone(), requires_grad=False)  # the table of the embeddings stays as it is
    for module in rounded.modules():
        if isinstance(module, torch.nn.Linear):
            module.weight.copy_(torch.from_numpy(from_blocks(to_blocks(module.weight.numpy(), bits))))
    check(rounded, path, ids, 1e-3)


def test_blocks_keep_a_number_within_one_step_and_the_largest_exactly():
    weight = np.random.default_rng(0).normal(size=(9000, 64)).astype(np.float32)
    for bits in (4, 8):
        blocks = to_blocks(weight, bits)
        back = from_blocks(blocks)
        assert (np.abs(back - weight).reshape(-1, 2, 32) <= np.abs(blocks.scales[..., None]) * 1.0001).all()
        largest = np.abs(weight.reshape(-1, 2, 32)).argmax(-1)[..., None]
        assert np.allclose(np.take_along_axis(back.reshape(-1, 2, 32), largest, -1), np.take_along_axis(weight.reshape(-1, 2, 32), largest, -1), rtol=1e-6)
    assert (from_blocks(to_blocks(np.zeros((2, 32), np.float32), 4)) == 0).all()


def test_the_effect_of_a_precision_grows_as_bits_are_left_out(model):
    ids = np.random.default_rng(1).integers(0, 200, 24)
    effects = {effect.precision: effect for effect in precision_effects(DecoderShape.of(model.config.to_dict()), of_module(model), ids)}
    assert effects['fp32'].worst == 0 and effects['fp32'].same == 1
    assert effects['fp16'].relative < effects['int8'].relative < effects['int4'].relative < 0.5
    assert effects['int8'].same >= 0.9


def test_a_part_names_its_files_roles_and_cache(tmp_path, model):
    part = write_decoder_part(tmp_path, DecoderShape.of(model.config.to_dict()), of_module(model), 'int4', POSITIONS)
    assert part['kv'] == {'layers': 3, 'heads': 2, 'headDim': 16, 'max': POSITIONS, 'mode': 'inplace'}
    decoder = part['graphs']['decoder']
    assert decoder['data'] == ['decoder.onnx.data'] and (tmp_path / 'decoder.onnx.data').stat().st_size > 0
    graph = onnx.load(tmp_path / 'decoder.onnx', load_external_data=False).graph
    assert set(decoder['inputs']) == {port.name for port in graph.input} and set(decoder['outputs']) == {port.name for port in graph.output if port.type.HasField('tensor_type')}
    assert not graph.output[0].type.HasField('tensor_type')  # the signal that spares the cache a copy
    assert decoder['inputs']['past.2.value'] == decoder['outputs']['present.2.value'] == 'kv.value.2'


def test_weights_come_from_a_folder_as_hugging_face_saves_it(tmp_path, model):
    model.save_pretrained(tmp_path)
    weights, truth = of_folder(tmp_path), of_module(model)
    for name in ('embed_tokens.weight', 'layers.1.self_attn.q_proj.bias', 'norm.weight', 'head'):
        assert (weights(name) == truth(name)).all()
    with pytest.raises(KeyError, match='layers.0.self_attn.q_proj.weight'):
        DecoderWeights({'vision.weight'}, lambda name: torch.zeros(1))


def test_a_llama_is_the_same_graph_without_biases(tmp_path, ids):
    torch.manual_seed(5)
    config = LlamaConfig(hidden_size=64, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, intermediate_size=96, vocab_size=200, max_position_embeddings=128,
                         rope_parameters={'rope_type': 'default', 'rope_theta': 1e5})
    llama = LlamaForCausalLM(config).eval().requires_grad_(False)
    for parameter in llama.parameters():
        parameter.mul_(4) if parameter.ndim > 1 else parameter.add_(torch.randn_like(parameter) * 0.2)
    check(llama, write_decoder(tmp_path / 'decoder.onnx', DecoderShape.of(config.to_dict()), of_module(llama), 'fp32', POSITIONS)[0], ids, 1e-3)


@pytest.mark.parametrize('wrong,said', [
    ({'model_type': 'phi3'}, 'phi3'), ({'model_type': 'mistral', 'sliding_window': 4096}, 'sliding window'), ({'rope_scaling': {'rope_type': 'yarn'}}, 'scales'),
])
def test_other_decoders_are_refused_by_name(wrong, said):
    with pytest.raises(ValueError, match=said):
        DecoderShape.of({'hidden_size': 64, 'num_hidden_layers': 1, 'num_attention_heads': 2, 'num_key_value_heads': 1, 'vocab_size': 8, **wrong})
