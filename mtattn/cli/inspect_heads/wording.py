"""The sentences of `--why` and `--explain`, in each language that they speak."""

from mtattn.heads.views.attribution import WhyWording
from mtattn.heads.views.microscope import MicroscopeWording

WHY = {
    "en": WhyWording(
        given="given",
        question="Why “{word}”, word {position} of the output? log p = {log_prob} nats, p = {probability}",
        pieces=", all its pieces together ({pieces})",
        one_head="head cross.{layer}.{head}",
        mean_of_layer="the mean of the {n_heads} heads of cross.{layer}",
        mean_of_head="the mean of head {head} over the {n_layers} layers of cross",
        mean_of_all="the mean of all {n_layers} × {n_heads} heads of cross",
        muted=" ({n} muted left out)",
        all_muted=" (muted)",
        names={"attention": "attention", "norm": "norm", "gradient": "gradient", "leave_one_out": "left out"},
        meanings={
            "attention": "the weights {formula}, {heads}, in percent",
            "norm": "length of what those weights let through, {formula} (Kobayashi et al. 2020), in percent of its "
            "sum",
            "gradient": "{formula} over the components of e, the source word's embedding without its position, in "
            "percent of its sum",
            "leave_one_out": "{formula}, w the word taken out of the source x, in nats; below 0 it stood in the way",
        },
        agreement="Kendall's τ between the orders in which they put the {n_words} source words, </s> left out "
        "(1 the same, −1 reversed):",
        verdict="Attention weights alone are no explanation (Jain & Wallace 2019; Wiegreffe & Pinter 2019): of the "
        "source words “{attention}” has the most weight, and “{leave_one_out}” is missed most when left out; believe "
        "what several measures agree on, and remember that only the last one tries what the model does without a word.",
    ),
    "es": WhyWording(
        given="dada",
        question="¿Por qué «{word}», palabra {position} de la salida? log p = {log_prob} nats, p = {probability}",
        pieces=", con todas sus piezas ({pieces})",
        one_head="cabeza cross.{layer}.{head}",
        mean_of_layer="media de las {n_heads} cabezas de cross.{layer}",
        mean_of_head="media de la cabeza {head} en las {n_layers} capas de cross",
        mean_of_all="media de las {n_layers} × {n_heads} cabezas de cross",
        muted=" (sin contar {n} silenciadas)",
        all_muted=" (silenciadas)",
        names={"attention": "atención", "norm": "norma", "gradient": "gradiente", "leave_one_out": "sin ella"},
        meanings={
            "attention": "los pesos {formula}, {heads}, en porcentaje",
            "norm": "longitud de lo que esos pesos dejan pasar, {formula} (Kobayashi et al., 2020), en porcentaje de "
            "su suma",
            "gradient": "{formula} sobre los componentes de e, el vector («embedding») de la palabra de origen sin su "
            "posición, en porcentaje de su suma",
            "leave_one_out": "{formula}, donde w es la palabra que se quita de la oración de origen x, en nats; si es "
            "menor que 0, la palabra estorbaba",
        },
        agreement="τ de Kendall entre los órdenes en que ponen las {n_words} palabras de origen, sin contar </s> "
        "(1: el mismo; −1: el inverso):",
        verdict="Los pesos de atención no son por sí solos una explicación (Jain y Wallace, 2019; Wiegreffe y Pinter, "
        "2019): de las palabras de origen, la de mayor peso es «{attention}» y la que más se echa en falta al quitarla "
        "es «{leave_one_out}»; conviene fiarse de aquello en que coinciden varias medidas y recordar que solo la "
        "última prueba qué hace el modelo sin una palabra.",
    ),
}

EXPLAIN = {
    "en": MicroscopeWording(
        given="given",
        named="Head {head}, as named.",
        chosen="Head {head}, of {n} heads the one most sure of one piece here (</s> not counted).",
        whole="Row {row}, the word “{word}”",
        part="Row {row}, piece {nth} of {n} of the word “{word}” ({pieces})",
        special="Row {row}, the end of the sentence",
        reads=", emitted by the step that has just read {reads}",
        query={
            "cross": "The query stands for a position of the output sentence, the one that emits {row}, and asks about "
            "the source.",
            "encoder": "The query stands for a position of the source, {row}, and asks about the whole source.",
            "decoder": "The query stands for a position of the output sentence, the one that emits {row}, and asks "
            "about the output so far.",
        },
        key={
            "cross": "The key is the index: the label by which a source word is found.",
            "encoder": "The key is the index: the label by which a source word is found.",
            "decoder": "The key is the index: the label by which a word already written is found.",
        },
        value={
            "cross": "The value is the answer: what the source word carries into the output.",
            "encoder": "The value is the answer: what a source word carries into the one that asks.",
            "decoder": "The value is the answer: what a word already written carries into the next one.",
        },
        masked={
            "cross": "Masked: none, the whole source may be seen.",
            "encoder": "Masked: none, the whole source may be seen.",
            "decoder": "Masked (s = −∞, α = 0): {n}, what is not written yet.",
        },
        same_word="One word: {words}.",
        output="Each head's answer goes through its own rows of W^O, and the layer adds up all {n}:",
        rest="rest",
        others="{n} others",
        other_heads="other {n}",
        all_heads="all {n}",
        norm="norm",
        share="share",
    ),
    "es": MicroscopeWording(
        given="dada",
        named="Cabeza {head}, la indicada.",
        chosen="Cabeza {head}, de {n} cabezas la que aquí más se fija en una sola pieza (sin contar </s>).",
        whole="Fila {row}, la palabra «{word}»",
        part="Fila {row}, pieza {nth} de {n} de la palabra «{word}» ({pieces})",
        special="Fila {row}, el final de la oración",
        reads=", emitida por el paso que acaba de leer {reads}",
        query={
            "cross": "La consulta («query») representa una posición de la oración de salida, la que emite {row}, y "
            "pregunta por la oración de origen.",
            "encoder": "La consulta («query») representa una posición de la oración de origen, {row}, y pregunta por "
            "toda esa oración.",
            "decoder": "La consulta («query») representa una posición de la oración de salida, la que emite {row}, y "
            "pregunta por lo ya escrito.",
        },
        key={
            "cross": "La clave («key») es el índice: la etiqueta por la que se encuentra una palabra de origen.",
            "encoder": "La clave («key») es el índice: la etiqueta por la que se encuentra una palabra de origen.",
            "decoder": "La clave («key») es el índice: la etiqueta por la que se encuentra una palabra ya escrita.",
        },
        value={
            "cross": "El valor («value») es la respuesta: lo que la palabra de origen aporta a la salida.",
            "encoder": "El valor («value») es la respuesta: lo que una palabra de origen aporta a la que pregunta.",
            "decoder": "El valor («value») es la respuesta: lo que una palabra ya escrita aporta a la siguiente.",
        },
        masked={
            "cross": "Enmascaradas: ninguna; se puede ver toda la oración de origen.",
            "encoder": "Enmascaradas: ninguna; se puede ver toda la oración de origen.",
            "decoder": "Enmascaradas (s = −∞, α = 0): {n}, lo que aún no está escrito.",
        },
        same_word="Una sola palabra: {words}.",
        output="La respuesta de cada cabeza pasa por sus propias filas de W^O, y la capa suma las {n}:",
        rest="resto",
        others="otras {n}",
        other_heads="otras {n}",
        all_heads="las {n}",
        norm="norma",
        share="parte",
    ),
}
