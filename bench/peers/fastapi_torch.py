"""What a team writes first: FastAPI around a PyTorch model, a request at a time in a thread.

CHECKPOINT=folder uvicorn bench.peers.fastapi_torch:app
"""

from __future__ import annotations

import os

import torch
from fastapi import FastAPI
from pydantic import BaseModel
from transformers import AutoModelForSequenceClassification, AutoTokenizer

torch.set_num_threads(len(os.sched_getaffinity(0)))
tokenizer = AutoTokenizer.from_pretrained(os.environ["CHECKPOINT"])
model = AutoModelForSequenceClassification.from_pretrained(os.environ["CHECKPOINT"]).eval()
labels = [model.config.id2label[number] for number in range(model.config.num_labels)]
app = FastAPI()


class Texts(BaseModel):
    inputs: list[str]


@app.post("/classify")
def classify(body: Texts) -> list[dict[str, float]]:
    """The probability of every label, for each text."""
    encoded = tokenizer(body.inputs, padding=True, truncation=True, return_tensors="pt")
    with torch.inference_mode():
        scores = torch.sigmoid(model(**encoded).logits)
    return [dict(zip(labels, row, strict=True)) for row in scores.tolist()]
