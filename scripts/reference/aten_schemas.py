#!/usr/bin/env python3
"""Writes sdk/include/lethe/aten.h: the schemas of the operators that methods need most, as string constants.

Needs a Python with torch 2.11.0. The texts are the dispatcher's own; the list is ours: operators of the Core ATen set
beside the few others that the plugins in this repository use.

    python3 scripts/reference/aten_schemas.py > sdk/include/lethe/aten.h
"""

import sys

import torch

GROUPS = {
    "arithmetic": """
        add.Tensor add.Scalar sub.Tensor mul.Tensor mul.Scalar div.Tensor div.Scalar neg abs sign sqrt exp log
        pow.Tensor_Scalar remainder.Scalar clamp minimum maximum sigmoid relu round
    """,
    "comparison and choice": """
        eq.Tensor eq.Scalar ne.Tensor ge.Scalar gt.Tensor gt.Scalar lt.Tensor lt.Scalar logical_and logical_not
        isfinite where.self where.ScalarOther masked_fill.Scalar
    """,
    "reduction": """
        sum sum.dim_IntList mean mean.dim amax amin argmax max.dim var.correction cumsum sort kthvalue topk
        linalg_vector_norm _foreach_norm.Scalar softmax.int log_softmax.int logsumexp
    """,
    "shape": """
        reshape view flatten.using_ints permute unsqueeze squeeze.dim expand cat stack narrow select.int slice.Tensor
        index_select gather
    """,
    "making": """
        zeros_like ones_like full_like empty_like rand_like randn_like clone detach to.dtype one_hot requires_grad_
    """,
    "in place": """
        add_.Tensor add_.Scalar sub_.Tensor mul_.Tensor mul_.Scalar copy_ zero_ fill_.Scalar lerp_.Scalar random_.from
        uniform_ normal_ bernoulli_.float
    """,
    "network": """
        linear conv2d matmul mse_loss binary_cross_entropy_with_logits
    """,
}

HEAD = """/* SPDX-License-Identifier: Apache-2.0
 *
 * lethe/aten.h - schemas to hand to `ops->resolve`, as LibTorch {version} writes them. Any other ATen operator works too;
 * these are the ones that we promise to keep. Made by scripts/reference/aten_schemas.py.
 *
 * LETHE_ATEN_<NAME>[_<OVERLOAD>]; an operator that writes to its first argument has _IN_PLACE behind its name.
 */
#ifndef LETHE_ATEN_H
#define LETHE_ATEN_H
"""


def constant(name: str) -> str:
    """The macro's name for an operator written `name` or `name.overload`."""
    base, _, overload = name.partition(".")
    if base.endswith("_"):
        base += "in_place"
    base = base.lstrip("_")
    return "LETHE_ATEN_" + "_".join(part for part in (base, overload) if part).upper()


def schema(name: str) -> str:
    """The dispatcher's text, which its own parser must take back."""
    base, _, overload = name.partition(".")
    text = str(torch._C._get_schema(f"aten::{base}", overload))
    torch._C.parse_schema(text)
    return text.replace('"', '\\"')


def main() -> None:
    if torch.__version__.split("+")[0] != "2.11.0":
        sys.exit(f"needs torch 2.11.0, this is {torch.__version__}")
    print(HEAD.format(version="2.11.0"))
    for title, names in GROUPS.items():
        print(f"/* {title} */")
        for name in names.split():
            print(f"#define {constant(name)} \\\n  \"{schema(name)}\"")
        print()
    print("#endif")


main()
