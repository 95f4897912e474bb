"""SAM 2's mask decoder for prompts on one picture, whose share of the work is done once.

In the first layer of the two-way transformer the picture's keys, values and queries do not depend on the prompt. They
are a fifth of a click's arithmetic and are computed with the embedding. Everything else runs in one of two ways:

``exact`` calls the operations of ``sam2.modeling.sam.mask_decoder`` in their order: equal bit for bit.
``fast`` turns the two transposed convolutions into matrix products on pixels-last arrays and never brings the finest
features into picture order: equal up to rounding, so that now and then a pixel at a mask's border differs.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F

Heads = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


@dataclass(frozen=True)
class Prepared:
    """A picture's part of the decoder's work.

    Args:
        coarse: the coarsest features; ``exact``: 1 x C x h x w, ``fast``: 1 x hw x C.
        fine: the two finer levels; ``exact``: 1 x C/8 x 4h x 4w and 1 x C/4 x 2h x 2w, ``fast``: pixels in rows, in
            the order in which ``Decoder._upscale`` makes them.
        first: keys and values for the tokens, and queries for the picture, of the first layer (1 x heads x hw x c).
    """

    coarse: torch.Tensor
    fine: tuple[torch.Tensor, torch.Tensor]
    first: Heads

    @property
    def nbytes(self) -> int:
        """Bytes on the device."""
        tensors = (self.coarse, *self.fine, *self.first)
        return sum(tensor.numel() * tensor.element_size() for tensor in tensors)

    def to(self, device: torch.device) -> Prepared:
        """Return the same on another device."""
        finest, finer = self.fine
        key, value, query = self.first
        first = key.to(device), value.to(device), query.to(device)
        return Prepared(self.coarse.to(device), (finest.to(device), finer.to(device)), first)


class Decoder:
    """Prompt encoder and mask decoder of a SAM 2 model."""

    def __init__(self, model: torch.nn.Module, fast: bool = False) -> None:
        self.fast = fast
        self._prompts = model.sam_prompt_encoder
        self._decoder = model.sam_mask_decoder
        self._transformer = model.sam_mask_decoder.transformer
        self._position = _rows(self._prompts.get_dense_pe())
        self._size = self._prompts.image_embedding_size
        decoder = self._decoder
        self._outputs = torch.cat(
            [decoder.obj_score_token.weight, decoder.iou_token.weight, decoder.mask_tokens.weight]
        )[None]
        if fast:
            coarse, _, _, finest, _ = decoder.output_upscaling
            self._coarse, self._finest = _as_matrix(coarse), _as_matrix(finest)

    def prepare(self, levels: list[torch.Tensor]) -> Prepared:
        """Do the picture's part. levels: strides 4, 8 and 16, each 1 x C x h x w."""
        finest, finer, coarse = levels
        if self.fast:
            finest, finer, coarse = _in_blocks(finest, 2), _in_blocks(finer, 1), _rows(coarse).contiguous()
        return Prepared(coarse, (finest, finer), self._first_heads(self._keys(coarse, self._without_mask())))

    def _without_mask(self) -> torch.Tensor:
        """Return what stands for "no mask was given", 1 x C x h x w, as the prompt encoder does."""
        return self._prompts.no_mask_embed.weight.reshape(1, -1, 1, 1).expand(1, -1, *self._size)

    def _keys(self, coarse: torch.Tensor, dense: torch.Tensor) -> torch.Tensor:
        """Add the dense prompt (1 x C x h x w) to the picture; returns 1 x hw x C."""
        return coarse + _rows(dense) if self.fast else _rows(coarse + dense)

    def decode(
        self, prepared: Prepared, coords: torch.Tensor, labels: torch.Tensor, mask: torch.Tensor | None, several: bool
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Answer N prompts, each with the same number of points.

        Args:
            prepared: the picture.
            coords: N x P x 2, pixels of the model's picture.
            labels: N x P: 1 inside, 0 outside, 2 and 3 corners of a box.
            mask: logits of an earlier answer, N x 1 x 4h x 4w, or None.
            several: three masks instead of one.

        Returns:
            logits (N x M x 4h x 4w) and predicted IoU (N x M).
        """
        sparse, dense = self._prompts(points=(coords, labels), boxes=None, masks=mask)
        count = len(sparse)
        tokens = torch.cat((self._outputs.expand(count, -1, -1), sparse), dim=1)
        keys = self._keys(prepared.coarse, dense)
        if mask is None:
            key, value, query = (head.expand(count, -1, -1, -1) for head in prepared.first)
            heads = key, value, query
        else:
            heads = self._first_heads(keys)
        queries, keys = self._attend(tokens, keys, heads)
        logits, scores = self._masks(queries, keys, prepared)
        if several:
            return logits[:, 1:], scores[:, 1:]
        if self._decoder.dynamic_multimask_via_stability:
            return self._decoder._dynamic_multimask_via_stability(logits, scores)
        return logits[:, :1], scores[:, :1]

    def _first_heads(self, keys: torch.Tensor) -> Heads:
        layer = self._transformer.layers[0]
        to_image, to_token = layer.cross_attn_token_to_image, layer.cross_attn_image_to_token
        placed = keys + self._position
        return (
            to_image._separate_heads(to_image.k_proj(placed), to_image.num_heads),
            to_image._separate_heads(to_image.v_proj(keys), to_image.num_heads),
            to_token._separate_heads(to_token.q_proj(placed), to_token.num_heads),
        )

    def _attend(self, tokens: torch.Tensor, keys: torch.Tensor, heads: Heads) -> tuple[torch.Tensor, torch.Tensor]:
        """Run the two-way transformer; the first layer with the picture's heads given."""
        first, *others = self._transformer.layers
        queries = first.norm1(first.self_attn(q=tokens, k=tokens, v=tokens))
        key, value, query = heads
        to_image, to_token = first.cross_attn_token_to_image, first.cross_attn_image_to_token
        asking = to_image._separate_heads(to_image.q_proj(queries + tokens), to_image.num_heads)
        queries = first.norm2(queries + _finish(to_image, F.scaled_dot_product_attention(asking, key, value)))
        queries = first.norm3(queries + first.mlp(queries))
        key = to_token._separate_heads(to_token.k_proj(queries + tokens), to_token.num_heads)
        value = to_token._separate_heads(to_token.v_proj(queries), to_token.num_heads)
        keys = first.norm4(keys + _finish(to_token, F.scaled_dot_product_attention(query, key, value)))
        for layer in others:
            queries, keys = layer(queries=queries, keys=keys, query_pe=tokens, key_pe=self._position)
        last = self._transformer.final_attn_token_to_image(q=queries + tokens, k=keys + self._position, v=keys)
        return self._transformer.norm_final_attn(queries + last), keys

    def _masks(
        self, queries: torch.Tensor, keys: torch.Tensor, prepared: Prepared
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Draw all four masks; returns logits (N x 4 x 4h x 4w) and predicted IoU (N x 4)."""
        decoder = self._decoder
        count = decoder.num_mask_tokens
        prompts = len(queries)
        outputs = queries[:, 2 : 2 + count]
        weights = torch.stack(
            [decoder.output_hypernetworks_mlps[i](outputs[:, i]) for i in range(count)], dim=1
        )  # N x 4 x C/8
        scores = decoder.iou_prediction_head(queries[:, 1])
        height, width = self._size
        if self.fast:
            logits = self._upscale(keys, prepared.fine) @ weights.transpose(1, 2)
            logits = logits.view(prompts, height, width, 2, 2, 2, 2, count).permute(0, 7, 1, 3, 5, 2, 4, 6)
            return logits.reshape(prompts, count, 4 * height, 4 * width), scores
        coarse, norm, act, finest, last_act = decoder.output_upscaling
        pixels = keys.transpose(1, 2).view(prompts, -1, height, width)
        pixels = act(norm(coarse(pixels) + prepared.fine[1]))
        pixels = last_act(finest(pixels) + prepared.fine[0])
        logits = (weights @ pixels.flatten(2)).view(prompts, count, 4 * height, 4 * width)
        return logits, scores

    def _upscale(self, keys: torch.Tensor, fine: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        """Bring N x hw x C to N x 16hw x C/8, every pixel followed by its 2 x 2 finer ones, and those by theirs."""
        _, norm, _, _, _ = self._decoder.output_upscaling
        finest, finer = fine
        weight, bias = self._coarse
        pixels = torch.addmm(bias, keys.flatten(0, 1), weight).view(len(keys), *finer.shape).add_(finer)
        pixels = F.gelu(F.layer_norm(pixels, norm.weight.shape, norm.weight, norm.bias, norm.eps))
        weight, bias = self._finest
        pixels = torch.addmm(bias, pixels.flatten(0, 1), weight).view(len(keys), *finest.shape).add_(finest)
        return F.gelu(pixels)


def _finish(attention: torch.nn.Module, out: torch.Tensor) -> torch.Tensor:
    return attention.out_proj(attention._recombine_heads(out))


def _as_matrix(convolution: torch.nn.Module) -> tuple[torch.Tensor, torch.Tensor]:
    """Return a transposed 2 x 2 convolution with stride 2 as a matrix (C_in x 4 C_out) and its bias (4 C_out)."""
    weight = convolution.weight  # C_in x C_out x 2 x 2
    return weight.permute(0, 2, 3, 1).flatten(1).contiguous(), convolution.bias.repeat(4)


def _rows(level: torch.Tensor) -> torch.Tensor:
    """Turn 1 x C x h x w into 1 x hw x C without copying."""
    return level.flatten(2).permute(0, 2, 1)


def _in_blocks(level: torch.Tensor, times: int) -> torch.Tensor:
    """Turn a level (1 x C x H x W) into rows of C in the order of the coarsest grid.

    ``times`` is how often that grid was doubled to get to this level: every coarse pixel is followed by its 2 x 2
    finer ones (1), and each of those by its own 2 x 2 (2).
    """
    channels, height, width = level.shape[1:]
    step = 2**times
    split = level.view(channels, height // step, *[2] * times, width // step, *[2] * times)
    rows, columns = range(2, 2 + times), range(3 + times, 3 + 2 * times)
    finer = [axis for pair in zip(rows, columns, strict=True) for axis in pair]
    return split.permute(1, 2 + times, *finer, 0).reshape(-1, channels).contiguous()
