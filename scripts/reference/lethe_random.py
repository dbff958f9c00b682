#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Lethe's random numbers, written down a second time: Philox 4x32-10, the order of an epoch, seeds of generators.

Reference scripts import this; on its own it checks itself against published and stored numbers:

    python3 scripts/reference/lethe_random.py
"""

MASK32 = (1 << 32) - 1
MASK64 = (1 << 64) - 1


def rounds(counter, key):
    """Ten rounds of Philox 4x32: four words from four words of counter and two of key."""
    x0, x1, x2, x3 = counter
    k0, k1 = key
    for _ in range(10):
        first, second = 0xD2511F53 * x0, 0xCD9E8D57 * x2
        x0, x1, x2, x3 = second >> 32 ^ x1 ^ k0, second & MASK32, first >> 32 ^ x3 ^ k1, first & MASK32
        k0, k1 = (k0 + 0x9E3779B9) & MASK32, (k1 + 0xBB67AE85) & MASK32
    return x0, x1, x2, x3


def key(seed, label):
    """64 bits for a seed and a purpose: one output of SplitMix64 over the seed and the label's FNV-1a hash."""
    bits = 0xCBF29CE484222325
    for byte in label.encode():
        bits = (bits ^ byte) * 0x100000001B3 & MASK64
    bits = ((seed ^ bits) + 0x9E3779B97F4A7C15) & MASK64
    bits = (bits ^ bits >> 30) * 0xBF58476D1CE4E5B9 & MASK64
    bits = (bits ^ bits >> 27) * 0x94D049BB133111EB & MASK64
    return bits ^ bits >> 31


class Stream:
    """The numbers of one seed, label and step, from their start."""

    def __init__(self, seed, label, step=0):
        bits = key(seed, label)
        self.words = self._words((bits & MASK32, bits >> 32), (step & MASK32, step >> 32))

    @staticmethod
    def _words(key, step):
        block = 0
        while True:
            yield from rounds((block & MASK32, block >> 32) + step, key)
            block += 1

    def next64(self):
        """Two words, the first one low."""
        low = next(self.words)
        return low | next(self.words) << 32

    def below(self, bound):
        """A whole number in 0 ..< bound; values that would favour small ones are drawn again."""
        rejected = (1 << 64) % bound
        while True:
            bits = self.next64()
            if bits >= rejected:
                return bits % bound

    def shuffled(self, items):
        """The items in random order, from the back: each changes places with one up to itself."""
        items = list(items)
        for last in range(len(items) - 1, 0, -1):
            other = self.below(last + 1)
            items[last], items[other] = items[other], items[last]
        return items


def dataset_order(seed, part, count):
    """Where the samples of a data set come from: position in the files for each position in dataset order."""
    return Stream(seed, f"data.{part}").shuffled(range(count))


def batches(items, size):
    """Stretches of `size` items, the last one shorter where it must be."""
    return [items[start : start + size] for start in range(0, len(items), size)]


def sequential_epoch(seed, epoch, forget, retain, size):
    """The steps of one epoch of the sequential schedule: pairs of a set's name and positions in dataset order."""
    forget = Stream(seed, "order.forget", epoch).shuffled(forget)
    retain = Stream(seed, "order.retain", epoch).shuffled(retain)
    return [("forget", batch) for batch in batches(forget, size)] + [("retain", batch) for batch in batches(retain, size)]


def generator_seed(seed, instance, label, step):
    """The seed of LibTorch's generator for a strategy's label at a step."""
    return Stream(seed, f"{instance}/{label}", step).next64()


def check():
    """Compares with the answers published with Random123, and with stored ones of streams."""
    ones = (MASK32,) * 4
    pi = (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344), (0xA4093822, 0x299F31D0)
    assert rounds((0,) * 4, (0,) * 2) == (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)
    assert rounds(ones, ones[:2]) == (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)
    assert rounds(*pi) == (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1)
    assert Stream(1, "order.forget").next64() == 0x65E5D6A032AAB43E
    assert Stream(42, "loreun/noise", 7).shuffled(range(8)) == [1, 5, 0, 6, 7, 2, 4, 3]
    drawn = Stream(0, "")
    assert [drawn.below(10) for _ in range(8)] == [0, 7, 8, 1, 5, 4, 1, 8]


check()

if __name__ == "__main__":
    print("the random numbers are as they should be")
