"""Which verb forms and which words of the lexicon sentences hold, found by their spelling and the word before.

That leaves many forms open: *habla* is a present and an imperative, *vino* a preterite and a noun. So each count is
a pair of bounds: `at_least` has the forms that can hardly be anything else, `at_most` all that may be meant.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from mtattn.corpus.grammar.conjugation import FINITE, SpanishVerb, spanish_feminine, spanish_plural, with_clitics
from mtattn.corpus.grammar.lexicon import Lexicon

LANGUAGE = "es"
"""The language whose forms are known here."""

_COMPOUND = {
    "pres": "present perfect",
    "imp": "pluperfect",
    "fut": "future perfect",
    "cond": "conditional perfect",
    "subj": "perfect subjunctive",
    "isubj": "pluperfect subjunctive",
    "inf": "perfect infinitive",
}
_SIMPLE = {
    "pres": "present",
    "pret": "preterite",
    "imp": "imperfect",
    "fut": "future",
    "cond": "conditional",
    "subj": "present subjunctive",
    "isubj": "imperfect subjunctive",
    "imper": "imperative",
    "inf": "infinitive",
    "ger": "gerund",
    "part": "participle",
}
TENSES = (*_SIMPLE.values(), *_COMPOUND.values())
"""Tenses and moods in the order in which they are shown; the compound ones are made with haber."""

_AUXILIARY, _IMPERATIVE = "haber", "imper"
_FINITE = frozenset(FINITE)
_IRREGULAR = (
    ("hay", "pres", "haber"), ("vamos", "imper", "ir"), ("vámonos", "imper", "ir"), ("estate", "imper", "estar"),
)  # fmt: skip
_OBJECTS = ("lo", "la", "los", "las")
_CLITICS = (
    *((clitic,) for clitic in ("me", "te", "se", "nos", "os", *_OBJECTS, "le", "les")),
    *product(("me", "te", "se", "nos", "os"), _OBJECTS),
    *(("se", clitic) for clitic in ("me", "te", "nos", "os", "le", "les")),
)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Without a clitic these are hardly ever orders, and their commonest forms (puede, está) look like one.
_NEVER_ORDERED = _words("haber poder soler estar querer deber saber necesitar costar doler llover nevar")
_HARDLY_VERBS = _words("como entre nada cosa cosas tarde")
# Common words of other kinds that are spelt like a verb form, and that the lexicon need not have.
_ALSO_OTHERS = _words(
    "abrazo acuerdo ayuda baile bajada barra bebida bebidas beso cambio camino caso caída caídas cepillo cierre "
    "comas comida comidas comienzo compra compras conocido conocidos corte cortes cruce cruces cubierto cubiertos "
    "cuidado debido descanso despedida dibujo dicho diseño doble ducha duchas entrada entradas estado estados "
    "estudio firma firme fotografía fuera ganas gasto grito hecho hechos ida intento juego llamada llamadas "
    "llegada mando medida medidas mezcla mirada miradas monte muestra nevada nieve odio oído oídos pago paseo "
    "pedido pesca plancha prueba pruebas puesto puestos queja quejas querida queridas querido queridos recuerdo "
    "reserva respeto riego robo salida salidas saludo seguida sentido subida sueño tardes tiro toque traje uso "
    "vela velas velo venida visita visitas vista vistas voto vuelo vuelta vueltas"
)
_NO_ORDER_AFTER = _words(
    "no nunca ni me te se lo la los las le les nos os que quien cuando donde si porque "
    "yo él ella usted ellos ellas ustedes"
)
_NOTHING_FINITE_AFTER = _words("el un una del al mi mis tu tus su sus")

_Readings = dict[str, frozenset[str]]  # tense to the verbs whose form it is


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many there are, as far as spelling tells."""

    at_least: int
    at_most: int


@dataclass(frozen=True, slots=True)
class TenseUse:
    """How much a tense or mood is used: the sentences with a form of it, and the verbs that have one there."""

    tense: str
    sentences: Bounds
    verbs: Bounds


@dataclass(frozen=True, slots=True)
class LemmaCoverage:
    """How many words of a kind the lexicon has, and which of them do not occur in any form."""

    kind: str
    n_lemmas: int
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LexiconCoverage:
    """What sentences hold of the lexicon: a row for each of `TENSES`; verbs, nouns and adjectives."""

    language: str
    tenses: tuple[TenseUse, ...]
    lemmas: tuple[LemmaCoverage, ...]


def _lowered(forms: Iterable[str]) -> frozenset[str]:
    return frozenset(form.lower() for form in forms if form)


def _spellings(verb: SpanishVerb) -> Iterator[tuple[str, str]]:
    """Give all forms of a verb, each with its tense; some come several times."""
    for tense in _FINITE - {_IMPERATIVE}:
        for person in range(6):
            form = verb.form(tense, person)
            yield form, tense
            if tense == "isubj":
                head, _, ending = form.rpartition("ra")
                yield f"{head}se{ending}", tense
    orders = [verb.form(_IMPERATIVE, person) for person in range(1, 6)]
    if verb.infinitive not in _NEVER_ORDERED:
        for form in orders:
            yield form, _IMPERATIVE
    takes_clitics = [(verb.infinitive, "inf"), (verb.gerund, "ger"), *((form, _IMPERATIVE) for form in orders)]
    yield from takes_clitics[:2]
    for (form, tense), clitics in product(takes_clitics, _CLITICS):
        yield with_clitics(form, clitics), tense
    for form in (verb.participle, spanish_feminine(verb.participle)):
        yield form, "part"
        yield spanish_plural(form), "part"


class FormCounter:
    """Counts the forms of the lexicon's verbs, sentence by sentence.

    Args:
        lexicon: its verbs are known, and its nouns and adjectives, which may be spelt like a verb form.
    """

    def __init__(self, lexicon: Lexicon) -> None:
        self._verbs = {
            verb.infinitive: verb
            for verb in (
                *lexicon.spanish.values(),
                *(use.es for use in lexicon.verbs),
                *(modal.es for modal in lexicon.modals),
            )
        }
        self._nouns = {noun.es[0]: _lowered(noun.es) for noun in lexicon.nouns}
        self._adjectives = {row.es[0][0]: _lowered((*row.es[0], *row.es[1], row.es_more)) for row in lexicon.adjectives}
        self._not_only_verbs = _ALSO_OTHERS.union(*self._nouns.values(), *self._adjectives.values())
        found: defaultdict[str, defaultdict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        for verb in self._verbs.values():
            for form, tense in _spellings(verb):
                found[form][tense].add(verb.infinitive)
        for form, tense, infinitive in _IRREGULAR:
            if infinitive in self._verbs:
                found[form][tense].add(infinitive)
        self._readings: dict[str, _Readings] = {
            form: {tense: frozenset(verbs) for tense, verbs in readings.items()}
            for form, readings in found.items()
            if form not in _HARDLY_VERBS
        }
        self._n_surely: Counter[str] = Counter()
        self._n_maybe: Counter[str] = Counter()
        self._surely: defaultdict[str, set[str]] = defaultdict(set)
        self._maybe: defaultdict[str, set[str]] = defaultdict(set)

    def add(self, words: Sequence[str]) -> None:
        """Count the forms of one sentence.

        Args:
            words: in small letters, marks among them, as `split_words` finds them.
        """
        surely: set[str] = set()
        maybe: set[str] = set()
        for word, readings in self._read(words):
            names = set(readings)
            maybe |= names
            for name, verbs in readings.items():
                self._maybe[name] |= verbs
            if len(names) == 1 and word not in self._not_only_verbs:
                surely |= names
                for name, verbs in readings.items():
                    self._surely[name] |= verbs
        self._n_surely.update(surely)
        self._n_maybe.update(maybe)

    def _read(self, words: Sequence[str]) -> Iterator[tuple[str, _Readings]]:
        """Give each verb form with what it can be here: its verbs by the name of the tense, a compound as one form."""
        before, compound = "", ""
        for word, after in zip(words, (*words[1:], ""), strict=True):
            readings = self._readings.get(word, {})
            if compound:
                yield f"{before} {word}", {compound: readings["part"]}
                compound = ""
            elif readings:
                compound = self._compound(readings, after)
                if not compound:
                    possible = {_SIMPLE[t]: verbs for t, verbs in readings.items() if _can_stand(t, before)}
                    if possible:
                        yield word, possible
            before = word

    def _compound(self, readings: _Readings, after: str) -> str:
        """Name the tense that a form of haber makes with the participle behind it; "" if it makes none."""
        following = self._readings.get(after, {})
        if "part" not in following or not any(after == self._verbs[verb].participle for verb in following["part"]):
            return ""
        tenses = [tense for tense, verbs in readings.items() if _AUXILIARY in verbs]
        return _COMPOUND.get(tenses[0], "") if len(tenses) == 1 else ""

    def coverage(self, vocabulary: Iterable[str]) -> LexiconCoverage:
        """Sum up.

        Args:
            vocabulary: the words of the sentences, in small letters.
        """
        tenses = tuple(
            TenseUse(
                name,
                Bounds(self._n_surely[name], self._n_maybe[name]),
                Bounds(len(self._surely[name]), len(self._maybe[name])),
            )
            for name in TENSES
        )
        present = frozenset(vocabulary)
        used = set[str]().union(*self._maybe.values())
        if any(self._n_maybe[name] for name in _COMPOUND.values()):
            used.add(_AUXILIARY)
        lemmas = [LemmaCoverage("verbs", len(self._verbs), tuple(sorted(self._verbs.keys() - used)))]
        for kind, forms_of in (("nouns", self._nouns), ("adjectives", self._adjectives)):
            missing = (lemma for lemma, forms in forms_of.items() if forms.isdisjoint(present))
            lemmas.append(LemmaCoverage(kind, len(forms_of), tuple(sorted(missing))))
        return LexiconCoverage(LANGUAGE, tenses, tuple(lemmas))


def _can_stand(tense: str, before: str) -> bool:
    """Say whether a form of this tense can stand behind a word."""
    if tense == _IMPERATIVE and before in _NO_ORDER_AFTER:
        return False
    return not (tense in _FINITE and before in _NOTHING_FINITE_AFTER)
