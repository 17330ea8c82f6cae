"""VideoChat-TPO put together. Every attribute is named as the published checkpoint names it, so that it loads strictly.

    video → vision_encoder → vision_layernorm → qformer (32 + 64 queries) → project_up → 96 tokens of Mistral
    a task token's last hidden state → loc_decoder (box) | track_embed (prompt of SAM 2) | cg_model (spans, saliency)
"""
import torch
from torch import Tensor, nn

from trainer.backbones.videochat.cg_detr import CgCriterion, CgDetr
from trainer.backbones.videochat.config import VideoChatConfig
from trainer.backbones.videochat.language_model import language_model
from trainer.backbones.videochat.perceptron import Perceptron
from trainer.backbones.videochat.qformer import QFormer
from trainer.backbones.videochat.sam import sam2
from trainer.backbones.videochat.tokens import TOKENS, TokenIds
from trainer.backbones.videochat.vit import VisionTransformer

PROMPT = (3, 256)  # SAM 2's embedding of a box: two corners and the padding point


class VideoChat(nn.Module):
    """`with_sam=False` leaves out the frozen SAM 2, for work that asks for no mask."""

    def __init__(self, config: VideoChatConfig, with_sam: bool = True) -> None:
        super().__init__()
        c, d = config, config.width
        self.config, self.ids = config, TokenIds(config.vocabulary - len(TOKENS))
        self.vision_encoder = VisionTransformer(c)
        self.vision_layernorm = nn.LayerNorm(c.vision_width, eps=1e-12)
        self.qformer = QFormer(c)
        self.query_tokens = nn.Parameter(torch.randn(1, c.queries, c.bridge_width) * 0.02)
        self.extra_query_tokens = nn.Parameter(torch.zeros(1, c.extra_queries, c.bridge_width))
        self.project_up, self.project_down = nn.Linear(c.bridge_width, d), nn.Linear(d, c.bridge_width)
        self.merge_proj = nn.Linear(c.bridge_width * c.merged, d)
        self.lm = language_model(c)
        self.box_token, self.temporal_token, self.track_token = (nn.Parameter(torch.randn(1, 1, d)) for _ in range(3))
        self.loc_encoder = nn.Sequential(nn.Linear(4, d // 2), nn.ReLU(), nn.Linear(d // 2, d))
        self.loc_decoder = nn.Sequential(nn.Linear(d, d // 2), nn.ReLU(), nn.Linear(d // 2, 4))
        with torch.no_grad():
            self.loc_decoder[2].bias.copy_(torch.tensor([0.35, 0.35, 0.65, 0.65]))   # training begins with a box in the middle, the right way round
        self.track_embed = Perceptron(d, d, PROMPT[0] * PROMPT[1])
        self.track_embed_decode2 = Perceptron(d, d, 4)            # the box of the first frame, an auxiliary task
        self.temporal_embed, self.action_embed = Perceptron(d, d, 2, dropout=0.3), Perceptron(d, d, 1, dropout=0.3)  # the simple temporal head of the ablation
        self.cg_model, self.cg_criterion = CgDetr(c.moment, d), CgCriterion()
        if with_sam:
            with torch.device('cpu'):  # its constructor reads values of tensors, which the meta device has not
                self.sam = sam2(c.sam)

    def see(self, video: Tensor) -> Tensor:
        """video (B, 3, T, H, W), normalised as ImageNet → vision tokens (B, T·P, D)."""
        return self.vision_layernorm(self.vision_encoder(video.to(self.vision_layernorm.weight)))

    def connect(self, vision: Tensor, words: Tensor | None = None, words_mask: Tensor | None = None) -> Tensor:
        """→ Q-Former output (B, 96, 768); an instruction in BERT's ids is optional and the published inference gives none."""
        queries = torch.cat([self.query_tokens, self.extra_query_tokens], 1).expand(vision.shape[0], -1, -1)
        return self.qformer(queries, vision, words, words_mask)

    def embed(self, ids: Tensor, video: Tensor | None = None, where: Tensor | None = None, boxes: Tensor | None = None) -> Tensor:
        """ids (B, S); where (B, S) marks the 96 places of the video; boxes (n, 4) fill `<track_box>` in order → (B, S, d)."""
        embeds = self.lm.get_input_embeddings()(ids)
        if video is not None and where is not None:
            visual = self.project_up(self.connect(self.see(video)))
            embeds = embeds.masked_scatter(where[..., None], visual.to(embeds))
        if boxes is not None:
            embeds = embeds.masked_scatter((ids == self.ids.given_box())[..., None], self.box_word(boxes).to(embeds))
        for task, token in self.ids.placeholders().items():
            embeds = torch.where((ids == token)[..., None], self.task_token(task).to(embeds), embeds)
        return embeds

    def box_word(self, boxes: Tensor) -> Tensor:
        """boxes (n, 4) → (n, d), as finely as they are given: in half precision a corner would be rounded to whole pixels and coarser."""
        with torch.autocast(boxes.device.type, enabled=False):
            return self.loc_encoder(boxes.to(self.loc_encoder[0].weight))

    def task_token(self, task: str) -> Tensor:
        return {'region': self.box_token, 'moment': self.temporal_token, 'mask': self.track_token}[task]

    def hidden(self, embeds: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """→ logits (B, S, V), states after the final norm (B, S, d)."""
        out = self.lm(inputs_embeds=embeds, attention_mask=mask, output_hidden_states=True, use_cache=False)
        return out.logits, out.hidden_states[-1]

    def box(self, state: Tensor) -> Tensor:
        """state (…, d) → xyxy 0–1, unbounded (…, 4)."""
        return self.loc_decoder(state)

    def mask_prompt(self, state: Tensor) -> Tensor:
        """state (Q, d) → sparse prompt embeddings of SAM 2 (Q, 3, 256)."""
        return self.track_embed(state).unflatten(-1, PROMPT)

    def first_box(self, state: Tensor) -> Tensor:
        """state (…, d) → the thing's box in the first frame (…, 4)."""
        return self.track_embed_decode2(state)
