"""`kv-quant`: keep cached positions in 4 or 2 bits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from lottery_plugins.compression.checks import check_at_least
from lottery_plugins.errors import ConfigError
from lottery_plugins.protocols.compression import Stage
from lottery_plugins.protocols.plugin import option

if TYPE_CHECKING:
    import torch

__all__ = ["KVQuant"]


@dataclass(frozen=True, slots=True, kw_only=True)
class KVQuant:
    """Round cached keys and values to 4 or 2 bits, between the smallest and the largest of a group.

    Keys are grouped by channel, over `group_size` positions, since a few channels are large at all positions; values by
    position, over `group_size` channels, or over all of a head where its size is no multiple. A group has a step and a
    smallest value of 16 bits each; its numbers are packed, two or four in a byte.

    Args:
        bits: Of each number.
        group_size: Positions encoded together.
        residual: Latest positions left as they are, at least.
        decoding_interval: Encode also after every so many generated tokens. 0: generated tokens are left as they are.

    Raises:
        ConfigError: If a value is outside its range.

    Cost: a pass over the cache as it is encoded, and over what is encoded at each use.
    Source: Liu et al. 2024 (KIVI), arXiv:2402.02750.
    Deviation: KIVI encodes generated tokens as soon as a group is full: `decoding_interval=group_size` does that.
    """

    name: ClassVar[str] = "kv-quant"
    summary: ClassVar[str] = "Keep cached keys and values in 4 or 2 bits."
    stage: ClassVar[Stage] = "kv-cache"
    order: ClassVar[int] = 40
    source: ClassVar[str] = "Liu et al. 2024, arXiv:2402.02750"

    bits: int = option(4, "of each number", unit="bits", allowed="4 or 2")
    group_size: int = option(32, "positions encoded together", unit="tokens", allowed="a multiple of 8")
    residual: int = option(32, "latest positions left as they are", unit="tokens", allowed=">= 0")
    decoding_interval: int = option(0, "encode also while generating, 0: never", unit="tokens", allowed=">= 0")

    def __post_init__(self) -> None:
        if self.bits not in (2, 4):
            raise ConfigError("compression: kv-quant.bits", self.bits, "4 or 2")
        check_at_least("compression: kv-quant.group_size", self.group_size, 8)
        if self.group_size % 8:
            hint = "So that a group fills whole bytes."
            raise ConfigError("compression: kv-quant.group_size", self.group_size, "a multiple of 8", hint)
        check_at_least("compression: kv-quant.residual", self.residual, 0)
        check_at_least("compression: kv-quant.decoding_interval", self.decoding_interval, 0)

    def group_bytes(self, head_dim: int) -> int:
        """Packed numbers, and a step and a smallest value per channel of the keys, or per row of the values.

        Keys and values take the same where head_dim is a multiple of group_size; else the smaller of them is padded.
        """
        return self.group_size * head_dim * self.bits // 8 + 4 * max(head_dim, self._value_groups(head_dim))

    def encode_keys(self, keys: torch.Tensor) -> torch.Tensor:
        """Keys of (..., group_size, head_dim) as uint8 of (..., group_bytes)."""
        return self._encode(keys.transpose(-1, -2), keys.shape[-1])

    def decode_keys(self, data: torch.Tensor, head_dim: int) -> torch.Tensor:
        """The keys that the bytes stand for, float32 of (..., group_size, head_dim)."""
        return self._decode(data, head_dim, head_dim).transpose(-1, -2)

    def encode_values(self, values: torch.Tensor) -> torch.Tensor:
        """Values of (..., group_size, head_dim) as uint8 of (..., group_bytes)."""
        head_dim = values.shape[-1]
        return self._encode(values.reshape(*values.shape[:-2], self._value_groups(head_dim), -1), head_dim)

    def decode_values(self, data: torch.Tensor, head_dim: int) -> torch.Tensor:
        """The values that the bytes stand for, float32 of (..., group_size, head_dim)."""
        return self._decode(data, head_dim, self._value_groups(head_dim)).reshape(*data.shape[:-1], -1, head_dim)

    def _value_groups(self, head_dim: int) -> int:
        """Groups of all values together."""
        return head_dim if head_dim % self.group_size == 0 else self.group_size

    def _encode(self, groups: torch.Tensor, head_dim: int) -> torch.Tensor:
        """Numbers of (..., groups, size) as bytes: packed numbers, steps, smallest values, padding."""
        import torch

        limit, levels = torch.finfo(torch.float16).max, 2**self.bits - 1
        numbers = groups.float().clamp(-limit, limit)
        least, most = numbers.aminmax(dim=-1, keepdim=True)  # (..., groups, 1)
        least = least.half()
        step = ((most - least.float()) / levels).clamp(min=0).half()
        divisor = torch.where(step > 0, step, 1).float()
        codes = ((numbers - least.float()) / divisor).round().clamp(0, levels).to(torch.uint8)
        per_byte = 8 // self.bits
        shifts = torch.arange(0, 8, self.bits, device=codes.device, dtype=torch.uint8)
        packed = (codes.flatten(-2).unflatten(-1, (-1, per_byte)) << shifts).sum(dim=-1, dtype=torch.uint8)
        scales = torch.cat([step, least], dim=-2).squeeze(-1).contiguous().view(torch.uint8)
        data = torch.cat([packed, scales], dim=-1)
        return torch.nn.functional.pad(data, (0, self.group_bytes(head_dim) - data.shape[-1]))

    def _decode(self, data: torch.Tensor, head_dim: int, num_groups: int) -> torch.Tensor:
        """What `_encode` made bytes of, (..., groups, size), to the nearest step."""
        import torch

        num_packed = self.group_size * head_dim * self.bits // 8
        shifts = torch.arange(0, 8, self.bits, device=data.device, dtype=torch.uint8)
        codes = (data[..., :num_packed, None] >> shifts) & (2**self.bits - 1)
        scales = data[..., num_packed : num_packed + 4 * num_groups].contiguous().view(torch.float16).float()
        step, least = scales.unflatten(-1, (2, num_groups))[..., None].unbind(dim=-3)  # (..., groups, 1)
        return codes.flatten(-2).unflatten(-1, (num_groups, -1)).float() * step + least
