#!/usr/bin/env python3
"""The same training step in PyTorch: CIFAR ResNet of any depth with shortcut A, SGD with momentum and
weight decay, fp32, random images, one thread. Speaks the protocol of compare.py: "ready" after
warming up, then for every line on stdin the images per second of so many steps by processor time.

  torch_train_step.py DEPTH BATCH STEPS {nchw|channels_last} {eager|compile}
"""

import sys
import time

import torch
import torch.nn.functional as F
from torch import nn


class Block(nn.Module):
    def __init__(self, inputs, width, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.stride, self.added = stride, width - inputs

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)), inplace=True)
        y = self.bn2(self.conv2(y))
        if self.added:
            x = F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.added))
        return F.relu(y + x, inplace=True)


class ResNet(nn.Module):
    def __init__(self, depth):
        super().__init__()
        self.conv = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn = nn.BatchNorm2d(16)
        blocks, inputs = [], 16
        for width in (16, 32, 64):
            for block in range((depth - 2) // 6):
                blocks.append(Block(inputs, width, 2 if block == 0 and width > 16 else 1))
                inputs = width
        self.blocks = nn.Sequential(*blocks)
        self.fc = nn.Linear(64, 10)

    def forward(self, x):
        x = self.blocks(F.relu(self.bn(self.conv(x)), inplace=True))
        return self.fc(x.mean((2, 3)))


def main():
    depth, batch, steps = (int(a) for a in sys.argv[1:4])
    torch.set_num_threads(1)  # Debian's build takes one by default, others all
    torch.manual_seed(1)
    model, images = ResNet(depth), torch.randn(batch, 3, 32, 32)
    if sys.argv[4] == "channels_last":
        model = model.to(memory_format=torch.channels_last)
        images = images.contiguous(memory_format=torch.channels_last)
    labels = torch.randint(0, 10, (batch,))
    optimizer = torch.optim.SGD(model.parameters(), 0.01, momentum=0.9, weight_decay=1e-4)
    run = torch.compile(model) if sys.argv[5] == "compile" else model

    def step():
        optimizer.zero_grad(set_to_none=True)
        F.cross_entropy(run(images), labels).backward()
        optimizer.step()

    for _ in range(2):
        step()
    print("ready", flush=True)
    for _ in sys.stdin:
        seconds = []
        for _ in range(steps):
            start = time.process_time()
            step()
            seconds.append(time.process_time() - start)
        print(batch / sorted(seconds)[steps // 2], flush=True)


main()
