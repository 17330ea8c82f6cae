import torch

from trainer.backbones.nano_decoder import NanoDecoder
from trainer.config import TINY


def test_steps_with_a_cache_equal_one_pass():
    torch.manual_seed(0)
    decoder = NanoDecoder(TINY).eval()
    prefix, text = NanoDecoder(TINY).pictures, 4
    x = torch.randn(1, prefix + text, TINY.width)
    mask = torch.ones(prefix + text, prefix + text).tril().bool()
    mask[:prefix, :prefix] = True
    whole = decoder(x, torch.arange(prefix + text)[None], mask[None, None])
    head = TINY.width // TINY.heads
    cache = [(torch.zeros(1, TINY.heads, 128, head), torch.zeros(1, TINY.heads, 128, head)) for _ in range(TINY.layers)]
    found, length = [], 0
    for part, both_ways in ((x[:, :prefix + 1], prefix), (x[:, prefix + 1:prefix + 2], 0), (x[:, prefix + 2:], 0)):
        hidden, news = decoder.step(part, torch.tensor([length]), torch.tensor([both_ways]), cache)
        for (keys, values), (k, v) in zip(cache, news):
            keys[:, :, length:length + part.shape[1]], values[:, :, length:length + part.shape[1]] = k, v
        length += part.shape[1]
        found.append(hidden)
    assert torch.allclose(torch.cat(found, 1), whole, atol=1e-5)


def test_rubbish_beyond_the_valid_length_is_not_seen():
    torch.manual_seed(0)
    decoder = NanoDecoder(TINY).eval()
    head = TINY.width // TINY.heads
    x = torch.randn(1, 3, TINY.width)
    clean = [(torch.zeros(1, TINY.heads, 8, head), torch.zeros(1, TINY.heads, 8, head)) for _ in range(TINY.layers)]
    dirty = [(k + 50, v - 50) for k, v in clean]
    run = lambda cache: decoder.step(x, torch.tensor([0]), torch.tensor([0]), cache)[0]
    assert torch.equal(run(clean), run(dirty))
