"""Phrases of the paired grammar, built in both languages at once with the links between their words.

Two words are linked when they share a key: surely if it is a sure key of both, else possibly.
"""

from bisect import bisect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from random import Random
from typing import NamedTuple, TypeVar

from mtattn.corpus.grammar.conjugation import EnglishVerb, SpanishVerb, with_clitics
from mtattn.corpus.grammar.lexicon import (
    SIMPLE_ES,
    Adjective,
    Determiner,
    Lexicon,
    MarkedPhrase,
    Modal,
    Noun,
    Tense,
    Verb,
)

T = TypeVar("T")


class Token(NamedTuple):
    """A word (or a few, as in twenty-five) with its keys; kind is "pron" or "aux" where they may contract."""

    text: str
    sure: tuple[int, ...] = ()
    loose: tuple[int, ...] = ()
    kind: str = ""


class Pronoun(NamedTuple):
    """A subject pronoun of both languages; agreement is 0 for I, 1 for he, 2 for they and you."""

    es: str
    en: str
    en_object: str
    en_possessive: str
    person: int
    agreement: int
    feminine: bool | None
    plural: bool
    weight: float


PRONOUNS = (
    Pronoun("yo", "I", "me", "my", 0, 0, None, False, 5),
    Pronoun("tú", "you", "you", "your", 1, 2, None, False, 4),
    Pronoun("él", "he", "him", "his", 2, 1, False, False, 4),
    Pronoun("ella", "she", "her", "her", 2, 1, True, False, 4),
    Pronoun("usted", "you", "you", "your", 2, 2, None, False, 1),
    Pronoun("nosotros", "we", "us", "our", 3, 2, False, True, 3),
    Pronoun("nosotras", "we", "us", "our", 3, 2, True, True, 1),
    Pronoun("vosotros", "you", "you", "your", 4, 2, False, True, 1),
    Pronoun("vosotras", "you", "you", "your", 4, 2, True, True, 0.4),
    Pronoun("ellos", "they", "them", "their", 5, 2, False, True, 3),
    Pronoun("ellas", "they", "them", "their", 5, 2, True, True, 1),
    Pronoun("ustedes", "you", "you", "your", 5, 2, None, True, 0.8),
)
IT = Pronoun("", "it", "it", "its", 2, 1, None, False, 0)
DATIVES = ("me", "te", "le", "nos", "os", "les")
REFLEXIVES = ("me", "te", "se", "nos", "os", "se")
_POSSESSIVES = ("mi", "tu", "su", "nuestro", "vuestro", "su")
_PREPOSITIONAL = {"yo": "mí", "tú": "ti"}
_FREE_SETS = ("gen", "mine", "bare", "none", "poss", "own", "relative", "howmany", "asmany", "which", "a", "a1", "num")
_COUNTING = ("number", "several", "many", "few", "bit", "much", "little")  # never with glasses, news
_DEMONSTRATIVES: dict[tuple[str, ...], tuple[str, ...]] = {("these",): ("this",), ("those",): ("that",)}
_BE = {"pres": ("am", "is", "are"), "past": ("was", "was", "were")}
_AUX_TENSES = {
    "will": (("will",), "inf"), "would": (("would",), "inf"), "would_have": (("would", "have"), "pp"),
}  # fmt: skip
_NOT = {
    "am": "am not", "is": "isn't", "are": "aren't", "was": "wasn't", "were": "weren't", "do": "don't",
    "does": "doesn't", "did": "didn't", "have": "haven't", "has": "hasn't", "had": "hadn't", "will": "won't",
    "would": "wouldn't", "can": "can't", "could": "couldn't", "should": "shouldn't", "must": "mustn't",
}  # fmt: skip
_COMPOUND = {
    "perf": ("haber", "pres"), "plup": ("haber", "imp"), "condperf": ("haber", "cond"), "psubj": ("haber", "subj"),
    "pisubj": ("haber", "isubj"), "prog": ("estar", "pres"), "pprog": ("estar", "imp"), "going": ("ir", "pres"),
    "pgoing": ("ir", "imp"),
}  # fmt: skip


@dataclass(slots=True)
class Phrase:
    """A noun phrase: its tokens on both sides and what verbs and adjectives agree with.

    `kind` is drop, pron, name, noun, pair or who; a dropped subject has no Spanish token, and its English pronoun
    is linked to the first verb that takes `key`.
    """

    es: list[Token]
    en: list[Token]
    key: int
    person: int = 2
    agreement: int = 1
    feminine: bool = False
    plural: bool = False
    kind: str = "noun"
    pronoun: Pronoun = IT
    classes: frozenset[str] = frozenset()
    taken: bool = False
    stressed_a: bool = False

    def part(self, side: str, part: str) -> list[Token]:
        """Give the tokens of one side; part `dat` is the Spanish dative clitic, `obj` the form behind a verb."""
        if part == "dat":
            dropped = self.kind == "drop" and not self.taken
            self.taken = True
            keys = ((self.key,), ()) if dropped else ((), (self.key,))
            return [Token(DATIVES[self.person], *keys)]
        if part == "art":
            article = ("los", "las") if self.plural else ("el", "la")
            return [Token(article[self.feminine and not self.stressed_a])]
        if part == "dem" and side == "es":
            return [Token(("estos", "estas")[self.feminine] if self.plural else ("este", "esta")[self.feminine])]
        if part == "dem":
            return [Token("these" if self.agreement == 2 else "this")]
        if part == "obj" and side == "en" and self.kind in ("drop", "pron"):
            return [Token(self.pronoun.en_object, (self.key,))]
        if part == "obj" and self.kind == "pron":
            return [Token(_PREPOSITIONAL.get(self.pronoun.es, self.pronoun.es), (self.key,))]
        return self.es if side == "es" else self.en


@dataclass(slots=True)
class Predicate:
    """A verb with its complements. Parts: verb, rest, prep (both), aux (English); without a part, all in order."""

    key: int
    es_verb: list[Token] = field(default_factory=list)
    es_rest: list[Token] = field(default_factory=list)
    en_aux: list[Token] = field(default_factory=list)
    en_verb: list[Token] = field(default_factory=list)
    en_rest: list[Token] = field(default_factory=list)
    es_prep: list[Token] = field(default_factory=list)
    en_prep: list[Token] = field(default_factory=list)
    tense: str = ""
    gap_key: int = 0
    verb: Verb | None = None

    def part(self, side: str, part: str) -> list[Token]:
        """Give the tokens of one part."""
        if not part:
            return self.es_verb + self.es_rest if side == "es" else self.en_aux + self.en_verb + self.en_rest
        tokens: list[Token] = getattr(self, f"{side}_{part}")
        return tokens


@dataclass(slots=True)
class Pieces:
    """Tokens of both sides by part, for adjectives and phrases of a list."""

    key: int
    parts: dict[tuple[str, str], list[Token]]
    tags: frozenset[str] = frozenset()

    def part(self, side: str, part: str) -> list[Token]:
        """Give the tokens of one part; a phrase that was left out has none."""
        return self.parts[side, part] if self.parts else []


class PhraseBuilder:
    """Builds phrases out of a lexicon; all chance comes from one generator."""

    def __init__(self, lexicon: Lexicon, rng: Random) -> None:
        self.lexicon = lexicon
        self.random = rng.random
        self._n_keys = 0
        self.used: set[object] = set()
        self._nouns: dict[tuple[str, ...], list[Noun]] = {}
        self._beside: dict[frozenset[str], list[Adjective]] = {}
        self._weights: dict[tuple[str, str], tuple[list[float], list[Determiner]]] = {
            place: (list(accumulate(weight for weight, _ in rows)), [row for _, row in rows])
            for place, rows in lexicon.determiners.items()
        }
        self._pronouns: dict[tuple[int, ...], tuple[list[float], list[Pronoun]]] = {}
        self._not_key = 0
        self._you: Pronoun | None = None
        self.topic: Phrase | None = None

    def start(self) -> None:
        """Begin a new sentence."""
        self._n_keys = 0
        self.used.clear()
        self._you = self.topic = None

    def new_key(self) -> int:
        """Give a key that no word of the sentence has."""
        self._n_keys += 1
        return self._n_keys

    def pick(self, options: Sequence[T]) -> T:
        """Choose one with equal chances."""
        return options[int(self.random() * len(options))]

    def pick_unused(self, options: Sequence[T]) -> T:
        """Choose one that the sentence has not had, if a few tries find one."""
        for _ in range(8):
            option = self.pick(options)
            if id(option) not in self.used:
                break
        self.used.add(id(option))
        return option

    def nouns_of(self, classes: tuple[str, ...]) -> list[Noun]:
        """Give all nouns of any of the classes."""
        found = self._nouns.get(classes)
        if found is None:
            found = [noun for noun in self.lexicon.nouns if any(name in noun.classes for name in classes)]
            self._nouns[classes] = found
        return found

    def noun(self, classes: tuple[str, ...]) -> Noun:
        """Choose a noun: a class first, so that a large class leaves room for a small one."""
        nouns = self.nouns_of((self.pick(classes),))
        for _ in range(8):
            noun = self.pick(nouns)
            if noun.en not in self.used:  # nor a dentista beside another dentista
                break
        self.used.add(noun.en)
        return noun

    def _draw(self, persons: tuple[int, ...]) -> Pronoun:
        found = self._pronouns.get(persons)
        if found is None:
            rows = [row for row in PRONOUNS if row.person in persons]
            found = (list(accumulate(row.weight for row in rows)), rows)
            self._pronouns[persons] = found
        return found[1][bisect(found[0], self.random() * found[0][-1])]

    def pronoun(self, persons: tuple[int, ...]) -> Pronoun:
        """Choose a pronoun of one of the persons, common ones more often."""
        for _ in range(20):
            row = self.address(self._draw(persons))
            if row.person in persons:
                break
        return row

    def address(self, row: Pronoun) -> Pronoun:
        """Keep to one you in a sentence: whoever is tú stays tú, and nobody beside is usted or vosotros."""
        if row.en != "you":
            return row
        self._you = self._you or row
        return self._you

    def pronoun_phrase(self, row: Pronoun, dropped: bool) -> Phrase:
        """Make a subject of a pronoun, dropped in Spanish or not."""
        key = self.new_key()
        feminine = self.random() < 0.5 if row.feminine is None else row.feminine
        plural = row.plural
        return Phrase(
            [] if dropped else [Token(row.es, (key,))], [Token(row.en, (key,), (), "pron")], key, row.person,
            row.agreement, feminine, plural, "drop" if dropped else "pron", row,
            self.lexicon.classes["adult"],
        )  # fmt: skip

    def name_phrase(self) -> Phrase:
        """Choose a name."""
        name, feminine = self.pick_unused(self.lexicon.names)
        key = self.new_key()
        token = [Token(name, (key,))]
        return Phrase(
            token, token, key, feminine=feminine, kind="name", pronoun=PRONOUNS[3 if feminine else 2],
            classes=self.lexicon.classes["adult"],
        )  # fmt: skip

    def pair_phrase(self) -> Phrase:
        """Choose two people: Ana y Pedro, mi madre y yo."""
        key = self.new_key()
        first = self.name_phrase() if self.random() < 0.6 else self.noun_phrase(self.noun(("family",)), "mine", 0)
        conjunction = [Token("y", (key,))], [Token("and", (key,))]
        if self.random() < 0.4:
            second = self.pronoun_phrase(PRONOUNS[0], False)
            second.en[0] = Token("I", (second.key,))
            row, person = PRONOUNS[6 if first.feminine and second.feminine else 5], 3
        else:
            second = self.name_phrase()
            row, person = PRONOUNS[10 if first.feminine and second.feminine else 9], 5
        return Phrase(
            first.es + conjunction[0] + second.es, first.en + conjunction[1] + second.en, first.key, person, 2,
            bool(row.feminine), True, "pair", row, self.lexicon.classes["adult"],
        )  # fmt: skip

    def echo(self, phrase: Phrase) -> Phrase:
        """Take up a phrase again: nothing in Spanish, its pronoun in English."""
        key = self.new_key()
        return Phrase(
            [], [Token(phrase.pronoun.en, (key,), (), "pron")], key, phrase.person, phrase.agreement, phrase.feminine,
            phrase.plural, "drop", phrase.pronoun, phrase.classes,
        )  # fmt: skip

    def _determiner(self, name: str, shape: str) -> Determiner:
        weights, rows = self._weights[name, shape]
        return rows[bisect(weights, self.random() * weights[-1])]

    def _uncounting(self, name: str, shape: str) -> str:
        """Name the set of the determiners that do not count, for glasses and news; `the` where there is none."""
        less = f"{name} uncounted"
        if (less, shape) not in self._weights:
            given = [pair for pair in self.lexicon.determiners[name, shape] if pair[1].name not in _COUNTING]
            if not given:
                return "the"
            self._weights[less, shape] = list(accumulate(weight for weight, _ in given)), [row for _, row in given]
        return less

    def _beside_noun(self, noun: Noun) -> list[Adjective]:
        found = self._beside.get(noun.classes)
        if found is None:
            found = [row for row in self.lexicon.adjectives if "a" in row.use and row.classes & noun.classes]
            self._beside[noun.classes] = found
        return found

    def noun_phrase(
        self,
        noun: Noun,
        det: str,
        adjective_share: float = 0.15,
        owner: Phrase | None = None,
        plural_share: float = 0.3,
    ) -> Phrase:
        """Build a noun phrase.

        Args:
            noun: its head.
            det: the set of determiners to choose from.
            adjective_share: the chance of an adjective, where one fits.
            owner: whose it may be, for possessives and body parts.
            plural_share: the chance of the plural of a countable noun, where the set has determiners for it.
        """
        key = self.new_key()
        count = noun.es_count
        if count == "n" or noun.bare:
            return self._without_choice(noun, key)
        if ("family" in noun.classes or "friend" in noun.classes) and det not in _FREE_SETS:
            det, adjective_share = "poss", 0
        if det in ("a1", "selfown", "only", "part", "bare", "gen"):
            plural_share = adjective_share = 0
        if det == "selfown" and owner is not None and owner.plural:
            plural_share = 1
        if count == "m":
            shape = "mass"
        elif count == "p":
            shape = "pl"
        else:
            shape = "pl" if count == "c" and self.random() < plural_share else "sg"
        if (det, shape) not in self._weights:
            shape = next((other for other in ("sg", "pl", "mass") if (det, other) in self._weights), shape)
            shape = "pl" if count == "p" else shape
            if (det, shape) not in self._weights:
                det = "the"
        if "p" in (count, noun.en_count):
            det = self._uncounting(det, shape)
        row = self._determiner(det, shape)
        if row.name in ("body", "bodyof") and owner is None:
            row = self._determiner("the", "sg")
        es_plural = shape == "pl"
        each = row.name in ("body", "bodyof") and owner is not None and owner.plural  # la cara, their faces
        en_plural = (es_plural or noun.en_count == "p" or row.name == "none" or each) and noun.en_count != "m"
        head_es = Token(noun.es[es_plural], (key,))
        head_en = [Token(word, (key,)) for word in noun.en[en_plural]]
        es: list[Token] = []
        en: list[Token] = []
        after: list[Token] = []
        if row.name in ("poss", "mine", "own"):
            es, en = self._possessive(owner, noun, es_plural, key, row.name)
        elif row.name == "of":
            holder = self.name_phrase() if self.random() < 0.5 else self.holder_noun()
            link = self.new_key()
            es = [self._article(noun, es_plural, key)]
            after = [Token("de", (link,)), *holder.es]
            en = possessive(holder, link)
        elif row.name in ("body", "bodyof") and owner is not None:
            article = self.new_key()
            es = [Token(_definite(noun, es_plural), (), (article,))]
            if row.name == "body" or owner.kind in ("drop", "pron"):
                hurts = row.name == "bodyof" and owner.kind in ("drop", "pron")  # me duele: the dative is the owner
                own = ((owner.key,), (article,)) if hurts else ((), (article,))
                en = [Token(owner.pronoun.en_possessive, *own)]
            else:
                en = possessive(owner, article)
        elif row.name == "number":
            numbers = self.lexicon.phrases["number"]
            phrase = numbers[int(self.random() * self.random() * len(numbers))]  # small ones more often
            link = self.new_key()
            es, en = [Token(phrase.es[0].text, (link,))], [Token(phrase.en[0].text, (link,))]
        elif row.name == "gen":
            es = [self._article(noun, es_plural, key)]
        else:
            link = self.new_key()
            words = row.es[noun.feminine]
            if noun.stressed_a and words in (("la",), ("una",)):
                words = row.es[0]
            es_keys = ((link,), ()) if row.en else ((), (key,))
            en_keys = ((link,), ()) if words else ((), (key,))
            es = [Token(word, *es_keys) for word in words]
            en_words = row.en
            if noun.en_count == "m":
                en_words = _DEMONSTRATIVES.get(row.en, row.en)
            elif noun.en_count == "p":
                en_words = next((many for many, one in _DEMONSTRATIVES.items() if one == row.en), row.en)
            en = [Token(word, *en_keys) for word in en_words]
        es.append(head_es)
        if adjective_share and self.random() < adjective_share and (options := self._beside_noun(noun)):
            adjective = self.pick(options)
            link = self.new_key()
            self.used.add(id(adjective))
            es.append(Token(adjective.es[es_plural][noun.feminine], (link,)))
            en += [Token(word, (link,)) for word in adjective.en]
        return Phrase(
            es + after, en + head_en, key, 5 if es_plural else 2, 2 if en_plural else 1, noun.feminine, es_plural,
            "noun", self._pronoun_for(noun, en_plural), noun.classes, stressed_a=noun.stressed_a and not es_plural,
        )  # fmt: skip

    def holder_noun(self) -> Phrase:
        """Choose somebody who owns something: mi tío, la profesora."""
        noun = self.noun(("holder",))
        return self.noun_phrase(noun, "mine" if "family" in noun.classes else "only", 0, plural_share=0.15)

    def _pronoun_for(self, noun: Noun, plural: bool) -> Pronoun:
        if "person" in noun.classes or "baby" in noun.classes:
            return PRONOUNS[(10 if noun.feminine else 9) if plural else (3 if noun.feminine else 2)]
        return PRONOUNS[9] if plural else IT

    def _article(self, noun: Noun, plural: bool, key: int) -> Token:
        """Write the definite article without a counterpart: a possible link to the noun."""
        return Token(_definite(noun, plural), (), (key,))

    def _without_choice(self, noun: Noun, key: int) -> Phrase:
        """Write a proper noun, or one that English has without article: la escuela, school."""
        es = [Token(noun.es[0], (key,))]
        if noun.es_count == "c":
            es.insert(0, self._article(noun, False, key))
        en = [Token(word, (key,)) for word in noun.en[0]]
        return Phrase(es, en, key, feminine=noun.feminine, classes=noun.classes)

    def _possessive(
        self, owner: Phrase | None, noun: Noun, plural: bool, key: int, name: str
    ) -> tuple[list[Token], list[Token]]:
        single = "spouse" in noun.classes  # nobody's in common
        theirs = owner is not None and owner.kind != "generic" and self.random() < 0.7
        if owner is not None and (name == "own" or theirs) and not (single and owner.pronoun.plural):
            row, person = owner.pronoun, owner.person
        else:
            row = self._owner(owner, owner is None and name == "poss", single)
            person = row.person
        word = _POSSESSIVES[person]
        if word.endswith("o") and noun.feminine:
            word = word[:-1] + "a"
        link = self.new_key()
        return [Token(word + "s" * plural, (link,))], [Token(row.en_possessive, (link,))]

    def _owner(self, beside: Phrase | None, third: bool, single: bool) -> Pronoun:
        """Choose whose a thing may be: mine, yours, ours; perhaps his, then whose the sentence speaks of.

        Args:
            beside: somebody who is not the owner.
            third: whether it may be his.
            single: whether it is nobody's in common.
        """
        topic = self.topic.pronoun if self.topic is not None else None
        if topic is None and self._you is not None and self._you.person in (2, 5):
            topic = self._you  # su beside usted is yours
        row = self.address(self._draw((0, 1) if single else (0, 1, 3)))
        if third and self.random() < 0.3:
            row = topic or self.pronoun((2,) if single else (2, 5))
        elif row.person in (2, 5) and (topic is not row or beside is not None):
            row = PRONOUNS[0]  # su beside Ana would be hers, not yours
        return PRONOUNS[0] if single and row.plural else row

    def marked(self, phrase: MarkedPhrase, es_extra: int = 0) -> Pieces:
        """Make tokens of a phrase with link labels."""
        keys: dict[str, int] = {"0": 0}
        sides = []
        for marks in (phrase.es, phrase.en):
            tokens = []
            for mark in marks:
                for label in mark.sure + mark.loose:
                    if label not in keys:
                        keys[label] = self.new_key()
                tokens.append(
                    Token(
                        mark.text,
                        tuple(keys[label] for label in mark.sure if label != "0"),
                        tuple(keys[label] for label in mark.loose),
                    )
                )
            sides.append(tokens)
        return Pieces(self.new_key(), {("es", ""): sides[0], ("en", ""): sides[1]}, phrase.tags)

    def adjective(self, row: Adjective, phrase: Phrase) -> Pieces:
        """Make an adjective agree with a phrase; parts more, most and less compare it."""
        key, degree = self.new_key(), self.new_key()
        word = row.es[phrase.plural][phrase.feminine]
        plain_es, plain_en = Token(word, (key,)), [Token(word_en, (key,)) for word_en in row.en]
        parts: dict[tuple[str, str], list[Token]] = {("es", ""): [plain_es], ("en", ""): plain_en}
        for part, words in (("more", row.more), ("most", row.most)):
            if len(words) > 1:
                en = [Token(words[0], (degree,)), *(Token(word_en, (key,)) for word_en in words[1:])]
            else:
                en = [Token(word_en, (key, degree)) for word_en in words]
            es = [Token("más", (degree,)), plain_es]
            if row.es_more:
                es = [Token(row.es_more + ("es" if phrase.plural else ""), (key, degree))]
            parts["es", part], parts["en", part] = es, en
        parts["es", "less"] = [Token("menos", (degree,)), plain_es]
        parts["en", "less"] = [Token("less", (degree,)), *plain_en]
        return Pieces(key, parts)

    # Verbs ---------------------------------------------------------------------------------------------------

    def verb_group(
        self,
        verb: SpanishVerb,
        english: EnglishVerb,
        tense: Tense,
        subject: Phrase,
        *,
        by: Phrase | None = None,
        negative: bool = False,
        inverted: bool = False,
        modal: Modal | None = None,
        clitics: Iterable[Token] = (),
        middle: Pieces | None = None,
        key: int = 0,
    ) -> Predicate:
        """Conjugate a verb on both sides.

        Args:
            verb: the Spanish verb.
            english: the English one.
            tense: of both.
            subject: what the Spanish verb agrees with; if it is dropped, its pronoun is linked to the verb.
            by: what the English verb agrees with, where that is another phrase.
            negative: with no, and not.
            inverted: the English side has an auxiliary apart, as questions need.
            modal: a verb before the infinitive.
            clitics: pronouns in their order.
            middle: an adverb before the Spanish verb and in the middle of the English group.
            key: of the main verb; 0 for a new one.
        """
        by = by or subject
        main, finite, third = key or self.new_key(), self.new_key(), self.new_key()
        result = Predicate(main, tense=tense.es)
        result.es_verb = self._spanish_group(
            verb, tense.es, subject, negative, modal, list(clitics), middle, (main, finite, third)
        )
        if tense.es in SIMPLE_ES and modal is None:
            finite = main
        agreement = by.agreement
        if modal is not None and modal.auxiliary:
            aux, rest = [modal.en.base], [(english.base, main)]
        elif modal is not None:
            to = modal.follows == "to"
            aux, words = english_group(modal.en, tense.en, agreement, inverted or negative)
            rest = [(word, finite) for word in (*words, *modal.particle)]
            if to:
                rest.append(("to", third if modal.link else main))
            rest.append((english.ing if modal.follows == "ing" else english.base, main))
        else:
            aux, words = english_group(english, tense.en, agreement, inverted or negative)
            rest = [(word, main) for word in words]
            if tense.en in ("going", "was_going"):
                rest[0], rest[1] = (words[0], finite), (words[1], third if finite != main else main)
        not_keys = (self._not_key,) if negative else ()
        tokens = [Token(word, (finite,), (), "aux") for word in aux]
        if negative:
            if not aux:
                rest.insert(0, ("not", -1))
            elif aux[0] != "am" and (inverted or self.random() < 0.85):
                tokens[0] = Token(_NOT[aux[0]], (finite, *not_keys))
            else:
                tokens.insert(1, Token("not", not_keys))
        result.en_aux = tokens
        verb_tokens = [Token(word, (key,) if key != -1 else not_keys) for word, key in rest]
        if middle is not None:
            verb_tokens = middle.part("en", "") + verb_tokens
        result.en_verb = verb_tokens
        return result

    def _spanish_group(
        self,
        verb: SpanishVerb,
        tense: str,
        subject: Phrase,
        negative: bool,
        modal: Modal | None,
        clitics: list[Token],
        middle: Pieces | None,
        keys: tuple[int, int, int],
    ) -> list[Token]:
        main, finite_key, third = keys
        lexicon, person = self.lexicon, subject.person
        tail: list[Token] = []
        if tense == "imper" and negative:
            tense = "subj"
            attach = False
        else:
            attach = tense in ("imper", "inf", "ger")
        host = 0
        if modal is not None:
            head = modal.es.form(tense, person)
            link_keys = ((third,), ()) if modal.follows == "to" else ((), (main,))
            tail = [*(Token(word, *link_keys) for word in modal.link), Token(verb.infinitive, (main,))]
            keys_of_head: tuple[int, ...] = (finite_key,)
            attach = bool(clitics) and (not modal.climbs or self.random() < 0.5)
            host = len(tail)
        elif tense in _COMPOUND:
            auxiliary, of_tense = _COMPOUND[tense]
            head = lexicon.spanish_verb(auxiliary).form(of_tense, person)
            keys_of_head = (finite_key,)
            if auxiliary == "haber":
                tail = [Token(verb.participle, (main,))]
            elif auxiliary == "estar":
                tail = [Token(verb.gerund, (main,))]
            else:
                tail = [Token("a", (third,)), Token(verb.infinitive, (main,))]
            attach = auxiliary != "haber" and bool(clitics) and self.random() < 0.5
            host = len(tail)
        else:
            head = verb.infinitive if tense == "inf" else verb.gerund if tense == "ger" else verb.form(tense, person)
            keys_of_head = (main,)
        if subject.kind == "drop" and not subject.taken and tense not in ("inf", "ger", "imper"):
            subject.taken = True
            keys_of_head = (*keys_of_head, subject.key)
        group = [Token(head, keys_of_head), *tail]
        if attach and clitics:
            word = group[host]
            group[host] = Token(
                with_clitics(word.text, [token.text for token in clitics]),
                word.sure + tuple(key for token in clitics for key in token.sure),
                word.loose + tuple(key for token in clitics for key in token.loose),
            )
        else:
            group = clitics + group
        if negative:
            self._not_key = self.new_key()
            group.insert(0, Token("no", (self._not_key,)))
        return (middle.part("es", "") if middle else []) + group


def _definite(noun: Noun, plural: bool) -> str:
    if plural:
        return "las" if noun.feminine else "los"
    return "la" if noun.feminine and not noun.stressed_a else "el"


def possessive(phrase: Phrase, *keys: int) -> list[Token]:
    """Put an English phrase into the genitive: Ana's, my boss's, my parents'."""
    last = phrase.en[-1]
    ending = "'" if last.text.endswith("s") and phrase.agreement == 2 else "'s"
    return [*phrase.en[:-1], Token(last.text + ending, last.sure + keys, last.loose)]


def english_group(verb: EnglishVerb, tense: str, agreement: int, inverted: bool) -> tuple[list[str], list[str]]:
    """Conjugate an English verb.

    Args:
        verb: the verb.
        tense: an English tense of `tenses.tsv`.
        agreement: 0 for I, 1 for he, 2 for they and you.
        inverted: an auxiliary is needed, for a question or not.

    Returns:
        Auxiliary words, and the rest.
    """
    if tense == "used":
        return (["did"], ["use", "to", verb.base]) if inverted else ([], ["used", "to", verb.base])
    if tense in ("pres", "past"):
        past = tense == "past"
        if verb.base == "be":
            return [_BE["past" if past else "pres"][agreement]], []
        if inverted:
            return ["did" if past else "does" if agreement == 1 else "do"], [verb.base]
        return [], [verb.past if past else verb.third if agreement == 1 else verb.base]
    if tense == "have":
        return ["has" if agreement == 1 else "have"], [verb.participle]
    if tense == "had":
        return ["had"], [verb.participle]
    if tense in ("prog", "was"):
        return [_BE["pres" if tense == "prog" else "past"][agreement]], [verb.ing]
    if tense in ("going", "was_going"):
        return [_BE["pres" if tense == "going" else "past"][agreement]], ["going", "to", verb.base]
    if tense in _AUX_TENSES:
        aux, form = _AUX_TENSES[tense]
        return list(aux), [verb.base if form == "inf" else verb.participle]
    if tense == "imper" and inverted:
        return ["do"], [verb.base]
    if tense == "let":
        return [], ["let's", *(["not"] if inverted else []), verb.base]
    forms: dict[str, Callable[[], list[str]]] = {
        "to": lambda: ["to", verb.base], "ing": lambda: [verb.ing], "pp": lambda: [verb.participle],
    }  # fmt: skip
    return [], forms[tense]() if tense in forms else [verb.base]
