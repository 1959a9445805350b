"""Compression methods that stand on other people's libraries, and the layers that hold what those make.

A library quantizes, and may multiply; the numbers are always held in layers of ours (`CompressedLinear`). Libraries'
own layers repack weights in place at the first forward (bitsandbytes), keep tensors that no `state_dict` tells of
(hqq), can't be copied without their tensors, or say that they are dense (torchao).
"""
