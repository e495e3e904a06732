"""The joint model in PyTorch, for training only: one encoder, heads for tags, numbers, roles and relations.

An entity is read from all its mentions, from the first of them and from its type; a pair of entities also from how far
they stand apart and from what a learned query of the pair finds in the text.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from kg.extract.labels import VALUE_TAGS, Labels
from kg.extract.pairs import DISTANCES
from kg.extract.wordpieces import CASES

QUERIES = 4
TYPE_WIDTH = 32
PLACE_WIDTH = 64


@dataclass
class Batch:
    """Some papers of similar length; entities and pairs of all of them are numbered through.

    `ids`, `cases`, `mask`: papers x pieces. `place_…`: of each piece of a mention its number (counted over the batch),
    its entity, its weight in the mean; `first_weight` is that in the mean of first mentions.
    """

    ids: Tensor
    cases: Tensor
    mask: Tensor
    place_piece: Tensor
    place_entity: Tensor
    place_weight: Tensor
    first_weight: Tensor
    entity_type: Tensor
    entity_paper: Tensor
    pair_head: Tensor
    pair_tail: Tensor
    pair_distance: Tensor
    pair_counts: list[int]


def distance_buckets(places: Tensor, count: int, longest: int = 128) -> Tensor:
    """The bucket of the distance from each piece to each other one (Raffel et al. 2020, arXiv:1910.10683, section 2.1).

    Half of the buckets are for pieces that come later; of each half, one half is for single distances, the other for
    ever wider ranges up to `longest`.
    """
    distance = places[None, :] - places[:, None]
    half = count // 2
    single = half // 2
    size = distance.abs()
    wide = torch.log(size.clamp(min=1).float() / single) / math.log(longest / single) * (half - single)
    bucket = torch.where(size < single, size, (single + wide.long()).clamp(max=half - 1))
    return bucket + (distance > 0).long() * half


class Layer(nn.Module):
    """One transformer layer of BERT."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        width, inner = config["hidden_size"], config["intermediate_size"]
        self.heads = config["num_attention_heads"]
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.norm1 = nn.LayerNorm(width, eps=config["layer_norm_eps"])
        self.up = nn.Linear(width, inner)
        self.down = nn.Linear(inner, width)
        self.norm2 = nn.LayerNorm(width, eps=config["layer_norm_eps"])
        self.dropout = nn.Dropout(config["hidden_dropout_prob"])

    def forward(self, hidden: Tensor, mask: Tensor | None) -> Tensor:
        count, length, width = hidden.shape
        qkv = self.qkv(hidden).view(count, length, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        # written out: on processors twice as fast in half precision as PyTorch's own attention
        with torch.autocast(hidden.device.type, enabled=False):
            scores = (qkv[0] * (width // self.heads) ** -0.5) @ qkv[1].transpose(-1, -2)
            if mask is not None:
                scores = scores + mask.to(scores.dtype)
            mixed = (scores.softmax(-1) @ qkv[2]).transpose(1, 2)
        hidden = self.norm1(hidden + self.out(mixed.reshape(count, length, width)))
        return self.norm2(hidden + self.dropout(self.down(functional.gelu(self.up(hidden)))))


class Encoder(nn.Module):
    """BERT or MPNet with a case embedding, which is added to that of the word piece.

    MPNet (Song et al. 2020, arXiv:2004.09297) numbers positions from 2, has no token types, and adds to the attention
    scores of all layers a bias by the distance of two pieces, as T5 does.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        width = config["hidden_size"]
        mpnet = config.get("model_type") == "mpnet"
        self.first_position = 2 if mpnet else 0
        buckets = config.get("relative_attention_num_buckets", 32)
        self.relative = nn.Embedding(buckets, config["num_attention_heads"]) if mpnet else None
        self.words = nn.Embedding(config["vocab_size"], width)
        self.positions = nn.Embedding(config["max_position_embeddings"], width)
        self.kind = nn.Parameter(torch.zeros(width))
        self.cases = nn.Embedding(CASES, width)
        self.norm = nn.LayerNorm(width, eps=config["layer_norm_eps"])
        self.dropout = nn.Dropout(config["hidden_dropout_prob"])
        self.layers = nn.ModuleList(Layer(config) for _ in range(config["num_hidden_layers"]))

    def forward(self, ids: Tensor, cases: Tensor, mask: Tensor | None = None) -> Tensor:
        places = torch.arange(ids.shape[1], device=ids.device)
        hidden = self.words(ids) + self.cases(cases) + self.positions(places + self.first_position) + self.kind
        hidden = self.dropout(self.norm(hidden))
        unseen = None if mask is None else (~mask)[:, None, None, :].to(hidden.dtype) * -1e4
        if self.relative is not None:
            near = self.relative(distance_buckets(places, self.relative.num_embeddings)).permute(2, 0, 1)[None]
            unseen = near if unseen is None else unseen + near
        for layer in self.layers:
            hidden = layer(hidden, unseen)
        return hidden


class JointModel(nn.Module):
    """The encoder and its heads."""

    def __init__(self, config: Mapping[str, Any], labels: Labels, dropout: float = 0.1) -> None:
        super().__init__()
        width = config["hidden_size"]
        self.encoder = Encoder(config)
        self.dropout = nn.Dropout(dropout)
        self.tags = nn.Linear(width, len(labels.tags))
        self.values = nn.Linear(width, len(VALUE_TAGS))
        self.types = nn.Embedding(len(labels.types), TYPE_WIDTH)
        self.entity = nn.Linear(2 * width + TYPE_WIDTH, width)
        self.role_inner = nn.Linear(2 * width, width)
        self.role = nn.Linear(width, max(1, len(labels.roles)))
        self.query = nn.Linear(2 * width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.distances = nn.Embedding(DISTANCES, PLACE_WIDTH)
        self.pair_inner = nn.Linear(4 * width + PLACE_WIDTH, width)
        self.relation = nn.Linear(width, len(labels.relations))

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Logits of tags and values (papers x pieces x labels), of roles (entities) and of relations (pairs)."""
        hidden = self.dropout(self.encoder(batch.ids, batch.cases, batch.mask))
        entities = self.entity_vectors(hidden, batch)
        return (
            self.tags(hidden),
            self.values(hidden),
            self.role_logits(hidden, entities, batch),
            self.relation_logits(hidden, entities, batch),
        )

    def entity_vectors(self, hidden: Tensor, batch: Batch) -> Tensor:
        flat = hidden.reshape(-1, hidden.shape[-1])[batch.place_piece]
        count = len(batch.entity_type)
        empty = hidden.new_zeros(count, hidden.shape[-1])
        mean = empty.index_add(0, batch.place_entity, flat * batch.place_weight[:, None].to(flat.dtype))
        first = empty.index_add(0, batch.place_entity, flat * batch.first_weight[:, None].to(flat.dtype))
        kinds = self.types(batch.entity_type).to(flat.dtype)
        return functional.gelu(self.entity(torch.cat([mean, first, kinds], dim=1)))

    def role_logits(self, hidden: Tensor, entities: Tensor, batch: Batch) -> Tensor:
        paper = hidden[batch.entity_paper, 0]
        inner = functional.gelu(self.role_inner(torch.cat([entities, paper], dim=1)))
        logits: Tensor = self.role(self.dropout(inner))
        return logits

    def relation_logits(self, hidden: Tensor, entities: Tensor, batch: Batch) -> Tensor:
        head, tail = entities[batch.pair_head], entities[batch.pair_tail]
        query = self.query(torch.cat([head, tail], dim=1))
        keys, values = self.key(hidden), self.value(hidden)
        width = query.shape[1] // QUERIES
        found = []
        begin = 0
        for paper, count in enumerate(batch.pair_counts):
            if not count:
                continue
            wanted = query[begin : begin + count].view(count, QUERIES, width).transpose(0, 1)
            own = keys[paper].view(-1, QUERIES, width).transpose(0, 1)
            said = values[paper].view(-1, QUERIES, width).transpose(0, 1)
            mixed = functional.scaled_dot_product_attention(wanted, own, said, attn_mask=batch.mask[paper][None, None])
            found.append(mixed.transpose(0, 1).reshape(count, -1))
            begin += count
        context = torch.cat(found) if found else hidden.new_zeros(0, hidden.shape[-1])
        distance = self.distances(batch.pair_distance).to(head.dtype)
        pair = torch.cat([head, tail, head * tail, context, distance], dim=1)
        logits: Tensor = self.relation(self.dropout(functional.gelu(self.pair_inner(pair))))
        return logits
