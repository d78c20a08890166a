"""What the lexicon of the paired grammar is made of: words of both languages, tenses, phrases, constructions."""

import re
from dataclasses import dataclass, field

from mtattn.corpus.grammar.conjugation import EnglishVerb, SpanishVerb

SIMPLE_ES = ("pres", "pret", "imp", "fut", "cond", "subj", "isubj", "imper", "inf", "ger")


@dataclass(frozen=True, slots=True)
class Noun:
    """A noun of both languages; proper nouns have no plural. `classes` holds the classes above too."""

    es: tuple[str, str]
    en: tuple[tuple[str, ...], tuple[str, ...]]
    feminine: bool
    stressed_a: bool
    classes: frozenset[str]
    es_count: str
    en_count: str
    at: str
    bare: bool


@dataclass(frozen=True, slots=True)
class Complement:
    """What a verb governs: kind is "", "obj", "prep" or "dat"."""

    kind: str = ""
    es: str = ""
    en: str = ""
    det: str = ""
    classes: tuple[str, ...] = ()
    double_object: bool = False


@dataclass(frozen=True, slots=True)
class Verb:
    """A verb in one use. `particle` are the English words behind the verb, `split` whether a pronoun goes between."""

    es: SpanishVerb
    reflexive: bool
    en: EnglishVerb
    particle: tuple[str, ...]
    split: bool
    letters: str
    subjects: frozenset[str]
    complement: Complement
    where: tuple[str, ...]
    how: tuple[str, ...]
    label: str


@dataclass(frozen=True, slots=True)
class Modal:
    """A verb before an infinitive: poder can, tener que have to; `climbs`: lo puedo ver, but not lo decidí ver."""

    es: SpanishVerb
    link: tuple[str, ...]
    en: EnglishVerb
    particle: tuple[str, ...]
    auxiliary: bool
    follows: str
    tenses: tuple[str, ...]
    needs: str
    climbs: bool


@dataclass(frozen=True, slots=True)
class Adjective:
    """An adjective: es by [plural][feminine]; `use` holds s (ser), e (estar), a (beside its noun)."""

    es: tuple[tuple[str, str], tuple[str, str]]
    en: tuple[str, ...]
    use: str
    classes: frozenset[str]
    more: tuple[str, ...]
    most: tuple[str, ...]
    es_more: str


@dataclass(frozen=True, slots=True)
class Determiner:
    """A determiner for one shape: es by gender, as words; weight by set."""

    es: tuple[tuple[str, ...], tuple[str, ...]]
    en: tuple[str, ...]
    name: str


@dataclass(frozen=True, slots=True)
class Tense:
    """A tense of the pair of languages and the letters of which a verb must have one to stand in it."""

    es: str
    en: str
    letters: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A word with its link labels."""

    text: str
    sure: tuple[str, ...]
    loose: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MarkedPhrase:
    """A phrase of both languages whose words are linked by labels."""

    es: tuple[Mark, ...]
    en: tuple[Mark, ...]
    tags: frozenset[str]


@dataclass(slots=True)
class Construction:
    """A sentence pattern as it is written; `sentences.py` gives its lines their meaning."""

    name: str
    where: str
    weight: float = 1.0
    slots: dict[str, tuple[str, dict[str, str]]] = field(default_factory=dict)
    variants: list[tuple[list[Mark], list[Mark]]] = field(default_factory=list)


@dataclass(slots=True)
class Lexicon:
    """All that the files hold."""

    nouns: list[Noun] = field(default_factory=list)
    names: list[tuple[str, bool]] = field(default_factory=list)
    verbs: list[Verb] = field(default_factory=list)
    modals: list[Modal] = field(default_factory=list)
    adjectives: list[Adjective] = field(default_factory=list)
    tenses: dict[str, Tense] = field(default_factory=dict)
    determiners: dict[tuple[str, str], list[tuple[float, Determiner]]] = field(default_factory=dict)
    phrases: dict[str, list[MarkedPhrase]] = field(default_factory=dict)
    constructions: list[Construction] = field(default_factory=list)
    classes: dict[str, frozenset[str]] = field(default_factory=dict)
    spanish: dict[str, SpanishVerb] = field(default_factory=dict)
    english: dict[str, EnglishVerb] = field(default_factory=dict)

    def spanish_verb(self, infinitive: str) -> SpanishVerb:
        """Give a verb, irregular if the table has it."""
        return self.spanish.setdefault(infinitive, SpanishVerb(infinitive))

    def english_verb(self, base: str) -> EnglishVerb:
        """Give a verb, irregular if the table has it."""
        return self.english.setdefault(base, EnglishVerb.of(base))


def parse_marks(text: str) -> tuple[Mark, ...]:
    """Read words with link labels: `la~2 semana/2` is la, possible link 2, and semana, sure link 2.

    Several labels are joined by +; `/0` declares that a word has no counterpart.
    """
    marks = []
    for item in text.split():
        match = re.fullmatch(r"([^/~]+)(?:/([\w+]+))?(?:~([\w+]+))?", item)
        if match is None:
            raise ValueError(f"{item!r} is not word, word/LABEL, word~LABEL or word/LABEL~LABEL")
        sure = tuple(match[2].split("+")) if match[2] else ()
        marks.append(Mark(match[1], sure, tuple(match[3].split("+")) if match[3] else ()))
    return tuple(marks)
