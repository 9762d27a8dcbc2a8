"""A language model of one layer that says a word of ours, as a real GGUF file for the real llama.cpp.

Its tokens are the 256 bytes. Attention and feed-forward are zero, so what comes next depends on the last token alone:
the embedding of each token is a direction of its own, and the output weights lead from it to the next. After the colon
in which its chat template ends comes the first letter, after the last letter the end.
"""

from itertools import pairwise
from pathlib import Path

import gguf
import numpy as np

_UNKNOWN, _BEGIN, _END, _BYTES = 0, 1, 2, 3
_COUNT = _BYTES + 256
_WIDTH, _HEADS, _INNER = 288, 4, 32
TEMPLATE = "{% for message in messages %}{{ message.role }}: {{ message.content }}\n{% endfor %}assistant:"


def write(path: Path, word: str = "hey", *, for_ever: bool = False) -> Path:
    """Write a model that says `word`, with no letter twice; `for_ever`: it repeats the last one instead of ending."""
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_context_length(32768)
    writer.add_embedding_length(_WIDTH)
    writer.add_block_count(1)
    writer.add_feed_forward_length(_INNER)
    writer.add_head_count(_HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(_WIDTH // _HEADS)
    _add_tokenizer(writer)
    for name, values in _weights(word, for_ever=for_ever).items():
        writer.add_tensor(name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _add_tokenizer(writer: gguf.GGUFWriter) -> None:
    kinds = gguf.TokenType
    writer.add_tokenizer_model("llama")
    writer.add_token_list([b"<unk>", b"<s>", b"</s>", *(f"<0x{byte:02X}>".encode() for byte in range(256))])
    writer.add_token_scores([0.0] * _COUNT)
    writer.add_token_types([kinds.UNKNOWN, kinds.CONTROL, kinds.CONTROL, *[kinds.BYTE] * 256])
    writer.add_bos_token_id(_BEGIN)
    writer.add_eos_token_id(_END)
    writer.add_unk_token_id(_UNKNOWN)
    writer.add_add_space_prefix(False)
    writer.add_chat_template(TEMPLATE)


def _weights(word: str, *, for_ever: bool) -> dict[str, np.ndarray]:
    embeddings = np.zeros((_COUNT, _WIDTH), np.float32)
    embeddings[np.arange(_COUNT), np.arange(_COUNT)] = 1.0
    output = np.zeros((_COUNT, _WIDTH), np.float32)
    said = [_BYTES + byte for byte in word.encode()]
    for last, following in pairwise([_BYTES + ord(":"), *said, said[-1] if for_ever else _END]):
        output[following, last] = 10.0
    square, wide = np.zeros((_WIDTH, _WIDTH), np.float32), np.zeros((_INNER, _WIDTH), np.float32)
    ones = np.ones(_WIDTH, np.float32)
    attention = {f"blk.0.attn_{part}.weight": square for part in ("q", "k", "v", "output")}
    inner = {f"blk.0.ffn_{part}.weight": wide for part in ("gate", "up")} | {"blk.0.ffn_down.weight": wide.T.copy()}
    norms = {f"{name}.weight": ones for name in ("output_norm", "blk.0.attn_norm", "blk.0.ffn_norm")}
    return {"token_embd.weight": embeddings, "output.weight": output, **attention, **inner, **norms}
