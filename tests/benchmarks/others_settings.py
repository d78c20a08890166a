"""The settings of Joey NMT and eole: the size of equal_size.toml, the rest as their projects publish it."""

from pathlib import Path
from typing import Any

from others import SIZE, Data

MODEL = SIZE["model"]
# Both count the longer side's positions, mtattn those of both sides.
BATCH_TOKENS = SIZE["training"]["batch_tokens"] // 2


def joey_config(data: Data, model: Path, *, updates: int, validation_every: int, beam: int) -> dict[str, Any]:
    """Settings for Joey NMT, of its configs/transformer_small.yaml and configs/wmt17_ende_sp.yaml.

    From the former the schedule (Noam, factor 0.5, warm-up 1,000), Adam's betas, dropout and the depth; from the
    latter pre-norm, tied embeddings, the loss by tokens with label smoothing 0.1, sentencepiece, how it translates.
    """
    side = {
        "level": "bpe",
        "lowercase": False,
        "max_length": 256,
        "voc_file": str(data.vocabulary),
        "tokenizer_type": "sentencepiece",
        "tokenizer_cfg": {"model_file": str(data.model), "model_type": "unigram"},
    }
    layers = {
        "type": "transformer",
        "num_heads": MODEL["n_heads"],
        "embeddings": {"embedding_dim": MODEL["d_model"], "scale": True},
        "hidden_size": MODEL["d_model"],
        "ff_size": MODEL["d_ff"],
        "dropout": MODEL["dropout"],
        "layer_norm": "pre",
    }
    return {
        "name": "benchmark",
        "joeynmt_version": "2.3.0",
        "model_dir": str(model),
        "use_cuda": False,
        "random_seed": 42,
        "data": {
            "train": str(data.folder / "train"),
            "dev": str(data.folder / "dev"),
            "dataset_type": "plain",
            "src": {"lang": "src", **side},
            "trg": {"lang": "tgt", **side},
        },
        "testing": {
            "beam_size": beam,
            "beam_alpha": 1.0,
            "batch_size": 1024,
            "batch_type": "token",
            "eval_metrics": ["bleu"],
        },
        "training": {
            "overwrite": True,
            "optimizer": "adam",
            "adam_betas": [0.9, 0.98],
            "scheduling": "noam",
            "learning_rate": 0.001,
            "learning_rate_min": 0.0,
            "learning_rate_factor": 0.5,
            "learning_rate_warmup": 1000,
            "normalization": "tokens",
            "label_smoothing": 0.1,
            "batch_size": BATCH_TOKENS,
            "batch_type": "token",
            "epochs": 1_000_000,
            "updates": updates,
            "validation_freq": validation_every,
            "logging_freq": validation_every,
            "early_stopping_metric": "bleu",
            "keep_best_ckpts": 1,
        },
        "model": {
            "initializer": "xavier_uniform",
            "embed_initializer": "xavier_uniform",
            "bias_initializer": "zeros",
            "tied_embeddings": True,
            "tied_softmax": True,
            "encoder": {**layers, "num_layers": MODEL["n_encoder_layers"]},
            "decoder": {**layers, "num_layers": MODEL["n_decoder_layers"]},
        },
    }


def eole_config(data: Data, model: Path, *, updates: int, precision: str) -> dict[str, Any]:
    """Settings for eole: its recipe wmt17 at this size."""
    vocabulary, processor = str(data.vocabulary), str(data.model)
    return {
        "seed": 42,
        "overwrite": True,
        "save_data": str(model / "data"),
        "report_every": max(1, updates // 3),
        "src_vocab": vocabulary,
        "tgt_vocab": vocabulary,
        "share_vocab": True,
        "pad_token": "<pad>",
        "data": {"train": {"path_src": str(data.folder / "train.src"), "path_tgt": str(data.folder / "train.tgt")}},
        "transforms": ["sentencepiece"],
        "transforms_configs": {"sentencepiece": {"src_subword_model": processor, "tgt_subword_model": processor}},
        "model": {
            "architecture": "transformer",
            "layers": MODEL["n_encoder_layers"],
            "heads": MODEL["n_heads"],
            "hidden_size": MODEL["d_model"],
            "transformer_ff": MODEL["d_ff"],
            "share_embeddings": True,
            "share_decoder_embeddings": True,
            "embeddings": {
                "word_vec_size": MODEL["d_model"],
                "position_encoding_type": "SinusoidalInterleaved",
            },
        },
        "training": {
            "model_path": str(model),
            "train_steps": updates,
            "valid_steps": updates + 1,
            "save_checkpoint_steps": updates + 1,
            "log_attention_entropy": False,  # it costs time
            "num_workers": 0,  # more would be threads beyond those allowed
            "batch_type": "tokens",
            "batch_size": BATCH_TOKENS,
            "normalization": "tokens",
            "compute_dtype": {"float32": "fp32", "bfloat16": "bf16"}[precision],
            "optim": "adam",
            "adam_beta2": 0.998,
            "learning_rate": 2,
            "decay_method": "noam",
            "warmup_steps": 4000,
            "max_grad_norm": 0,
            "param_init_method": "xavier_uniform",
            "label_smoothing": 0.1,
            "dropout": [MODEL["dropout"]],
            "attention_dropout": [MODEL["dropout"]],
        },
    }
