"""Sentences of the paired grammar: the slots of a construction are filled, its words spelt and its links counted."""

import re
from dataclasses import dataclass
from random import Random

from mtattn.corpus.grammar.clauses import ClauseBuilder, PredicateOptions, empty
from mtattn.corpus.grammar.conjugation import takes_an
from mtattn.corpus.grammar.lexicon import (
    Adjective,
    Construction,
    Lexicon,
    Mark,
    MarkedPhrase,
    Tense,
)
from mtattn.corpus.grammar.phrases import PRONOUNS, Phrase, Pieces, Predicate, Pronoun, Token, possessive
from mtattn.corpus.pairs import Pair
from mtattn.tokenizer import split_words

_CLOSING, _OPENING = ".,?!", "¿¡"
_SHORT = {
    "am": "'m", "are": "'re", "is": "'s", "has": "'s", "have": "'ve", "had": "'d", "will": "'ll", "would": "'d",
}  # fmt: skip
_MINE = (
    ("mío", "mine"), ("mío", "mine"), ("tuyo", "yours"), ("suyo", "his"), ("suyo", "hers"), ("suyo", "theirs"),
    ("nuestro", "ours"), ("vuestro", "yours"),
)  # fmt: skip
_MOSTLY = 0.6  # how often English contracts where it can
Slot = Phrase | Predicate | Pieces


@dataclass(frozen=True, slots=True)
class AlignedPair:
    """A sentence pair with its gold alignment.

    Attributes:
        pair: Spanish and English.
        sure: (source word, target word), words counted as `split_words` finds them.
        possible: the loose links; none of them is sure.
        construction: the name of the sentence pattern.
    """

    pair: Pair
    sure: frozenset[tuple[int, int]]
    possible: frozenset[tuple[int, int]]
    construction: str

    def turned(self) -> "AlignedPair":
        """Give the same pair in the other direction."""
        sure, possible = (frozenset((j, i) for i, j in links) for links in (self.sure, self.possible))
        return AlignedPair(Pair(self.pair.tgt, self.pair.src), sure, possible, self.construction)

    def pharaoh(self) -> str:
        """Write the links in one line, sorted: `i-j` sure, `i?j` possible."""
        links = [(i, j, "-") for i, j in self.sure] + [(i, j, "?") for i, j in self.possible]
        return " ".join(f"{i}{kind}{j}" for i, j, kind in sorted(links))


@dataclass(frozen=True, slots=True)
class _Place:
    """One item of a template: a slot's part, or a word."""

    slot: str
    part: str
    genitive: bool
    mark: Mark


@dataclass(frozen=True, slots=True)
class Variant:
    """One es: and en: pair of lines; `inverted` are the slots whose auxiliary stands apart."""

    es: tuple[_Place, ...]
    en: tuple[_Place, ...]
    inverted: frozenset[str]


SlotOptions = dict[str, tuple[str, ...]]


def plan(
    construction: Construction,
) -> tuple[list[tuple[str, str, SlotOptions, PredicateOptions | None]], list[Variant]]:
    """Split the options of slots and find the slots in the templates."""
    slots: list[tuple[str, str, SlotOptions, PredicateOptions | None]] = []
    for name, (kind, given) in construction.slots.items():
        options = {key: tuple(value.split(",")) for key, value in given.items()}
        ready = _predicate_options(options) if kind == "predicate" else None
        slots.append((name, kind, options, ready))
    variants = []
    for es, en in construction.variants:
        sides = [tuple(_place(mark, construction.slots) for mark in side) for side in (es, en)]
        inverted = frozenset(place.slot for place in sides[1] if place.part == "aux")
        variants.append(Variant(sides[0], sides[1], inverted))
    return slots, variants


def _place(mark: Mark, slots: dict[str, tuple[str, dict[str, str]]]) -> _Place:
    if mark.text in _OPENING:
        return _Place("", "", False, Mark(mark.text, (), ("?" if mark.text == "¿" else "!",)))
    if mark.text in _CLOSING and not mark.sure:
        return _Place("", "", False, Mark(mark.text, (mark.text,), ()))
    match = re.fullmatch(r"([A-Z][A-Z0-9]*)(?:\.([a-z]+))?('s)?", mark.text)
    if match is not None and match[1] in slots:
        return _Place(match[1], match[2] or "", bool(match[3]), mark)
    return _Place("", "", False, mark)


def _predicate_options(options: SlotOptions) -> PredicateOptions:
    def chance(name: str, default: float) -> float:
        return float(options[name][0]) if name in options else default

    modal = options.get("modal", ("0",))[0]
    return PredicateOptions(
        options["tense"],
        frozenset(options.get("frames", ("none", "obj", "prep", "dat"))),
        options.get("obj", ("full",))[0],
        chance("neg", 0),
        1.0 if modal.isalpha() else float(modal),
        chance("where", 0.2),
        chance("how", 0.15),
        options.get("mid", ()),
        options.get("letters", ("",))[0],
        frozenset(options.get("verb", ())),
        options.get("det", ("",))[0],
        modal if modal.isalpha() else "",
        "when" in options,
    )


class SentenceWriter(ClauseBuilder):
    """Fills the slots of one construction and finishes its words."""

    def __init__(self, lexicon: Lexicon, rng: Random) -> None:
        super().__init__(lexicon, rng)
        self._candidates = {}
        self._modals = {}
        self._for_pronouns = {}
        self._subject_classes = frozenset()
        self._adjectives: dict[tuple[object, ...], list[Adjective]] = {}
        self._times: dict[tuple[str, str, str, bool], list[MarkedPhrase]] = {}

    def write(
        self,
        construction: Construction,
        slots: list[tuple[str, str, SlotOptions, PredicateOptions | None]],
        variants: list[Variant],
    ) -> AlignedPair | None:
        """Write one pair; None where the words that were drawn do not go together."""
        self.start()
        variant = variants[0] if len(variants) == 1 else self.pick(variants)
        scope: dict[str, Slot] = {}
        for name, kind, options, ready in slots:
            slot = self._slot(kind, options, ready, scope, name in variant.inverted)
            if slot is None:
                return None
            scope[name] = slot
        keys: dict[str, int] = {}
        es = self._fill(variant.es, "es", scope, keys)
        en = self._fill(variant.en, "en", scope, keys)
        return self._finish(es, en, construction.name)

    # Slots ---------------------------------------------------------------------------------------------------

    def _slot(
        self, kind: str, options: SlotOptions, ready: PredicateOptions | None, scope: dict[str, Slot], inverted: bool
    ) -> Slot | None:
        if "share" in options and self.random() >= float(options["share"][0]):
            return empty()
        of = scope[options["of"][0]] if "of" in options else None
        if kind == "subject":
            other = scope[options["other"][0]] if "other" in options else None
            subject = self._subject(
                options, of if isinstance(of, Phrase) else None, other if isinstance(other, Phrase) else None
            )
            third = subject.person in (2, 5) and subject.pronoun.en in ("he", "she", "they")
            if self.topic is None and third and subject.kind in ("drop", "pron", "name", "noun", "pair"):
                self.topic = subject
            return subject
        if kind == "echo":
            assert isinstance(of, Phrase)
            return self.echo(of)
        if kind == "predicate":
            assert isinstance(ready, PredicateOptions)
            assert isinstance(of, Phrase)
            return self.predicate(of, ready, inverted)
        if kind == "verb":
            assert isinstance(of, Phrase)
            by = scope[options["by"][0]] if "by" in options else None
            tense = self.lexicon.tenses[self.pick(options["tense"])]
            negative = "neg" in options and self.random() < float(options["neg"][0])
            dative = scope[options["dat"][0]].part("es", "dat") if "dat" in options else []
            return self._verb(options, of, by if isinstance(by, Phrase) else None, tense, negative, inverted, dative)
        if kind == "there":
            assert isinstance(of, Phrase)
            return self._there(of, self.lexicon.tenses[self.pick(options["tense"])], "neg" in options)
        if kind == "np":
            owner = scope[options["owner"][0]] if "owner" in options else None
            return self._np(options, owner if isinstance(owner, Phrase) else None)
        if kind == "object":
            assert isinstance(of, Predicate)
            return self._object(of, options)
        if kind == "adjective":
            assert isinstance(of, Phrase)
            return self._adjective(of, options)
        if kind == "holder":
            return self._holder(float(options.get("pronouns", ("0",))[0]))
        if kind == "profession":
            assert isinstance(of, Phrase)
            return self._profession(of, options["class"])
        if kind == "bare_noun":
            return self._bare_noun(options, of if isinstance(of, Phrase) else None)
        if kind in ("mine", "like"):
            assert isinstance(of, Phrase)
            return self._mine(of, kind == "like")
        if kind == "you":
            persons = tuple(map(int, options.get("person", ("1", "1", "2", "4", "5"))))
            return self.pronoun_phrase(self.you(persons), True)
        if kind == "generic":
            phrase = self.pronoun_phrase(PRONOUNS[4], True)  # es mejor levantarse, better than levantarte
            phrase.kind, phrase.taken = "generic", True
            return phrase
        if kind == "infinitive":
            return Phrase([], [], self.new_key(), taken=True)
        if kind == "place":
            es, en = self.place(self.noun(options["class"]))
            return Pieces(0, {("es", ""): es, ("en", ""): en})
        if kind == "time":
            assert isinstance(of, Predicate)
            return self._time(of, options.get("list", ("time",))[0])
        return self.marked(self.pick(self.lexicon.phrases[options["list"][0]]))

    def _subject(self, options: SlotOptions, of: Phrase | None, other: Phrase | None = None) -> Phrase:
        kind = self.pick(options.get("kind", ("drop", "drop", "noun", "noun", "noun", "name", "pron", "pair")))
        if kind in ("drop", "pron"):
            persons = tuple(map(int, options.get("person", ("0", "1", "2", "3", "4", "5"))))
            row = self._another(other, persons) if other is not None else self.pronoun(persons)
            topic = self.topic if kind == "drop" and other is None else None
            if topic is not None and row.person == topic.person and row.en != "you":
                row = topic.pronoun  # Ana cree que ganará: she, not he
            return self.pronoun_phrase(row, kind == "drop")
        if kind == "name":
            phrase = self.name_phrase()
            while of is not None and phrase.feminine != of.feminine:
                phrase = self.name_phrase()
            return phrase
        if kind == "pair":
            return self.pair_phrase()
        if kind == "noun":
            det = options.get("det", ("sub",))[0]
            noun = self.noun(options.get("class", ("adult",)))
            return self.noun_phrase(noun, det, 0.1, plural_share=0.25)
        es, en, plural = {
            "who": ("quién", "who", False), "nobody": ("nadie", "nobody", False),
            "someone": ("alguien", "someone", False), "everyone": ("todos", "everyone", True),
        }[kind]  # fmt: skip
        key = self.new_key()
        return Phrase(
            [Token(es, (key,))], [Token(en, (key,))], key, 5 if plural else 2, 1, False, plural, kind, PRONOUNS[9],
            self.lexicon.classes["adult"],
        )  # fmt: skip

    def _another(self, other: Phrase, persons: tuple[int, ...]) -> Pronoun:
        """Choose a pronoun for somebody else: quiere que coma, never of whoever wants it."""
        for _ in range(20):
            row = self.other_person(other, persons)
            if row.en != other.pronoun.en:
                break
        return row

    def _verb(
        self,
        options: SlotOptions,
        of: Phrase,
        by: Phrase | None,
        tense: Tense,
        negative: bool,
        inverted: bool,
        dative: list[Token],
    ) -> Predicate:
        words = options["en"][0].split("_")
        lexicon = self.lexicon
        result = self.verb_group(
            lexicon.spanish_verb(options["es"][0]), lexicon.english_verb(words[0]), tense, of, by=by,
            negative=negative, inverted=inverted, clitics=dative,
        )  # fmt: skip
        result.en_verb = result.en_verb + [Token(word, (result.key,)) for word in words[1:]]
        return result

    def _np(self, options: SlotOptions, owner: Phrase | None) -> Phrase:
        if options.get("names") and self.random() < float(options["names"][0]):
            return self.name_phrase()
        share = float(options.get("adj", ("0.12",))[0])
        plural = float(options.get("plural", ("0.3",))[0])
        return self.noun_phrase(self.noun(options["class"]), options.get("det", ("the",))[0], share, owner, plural)

    def _object(self, predicate: Predicate, options: SlotOptions) -> Phrase | None:
        assert predicate.verb is not None
        plural = float(options.get("plural", ("0.3",))[0])
        noun = self.noun(predicate.verb.complement.classes)
        if noun.es_count == "n" or predicate.verb.complement.det in ("bare", "gen"):
            return None
        return self.noun_phrase(noun, options.get("det", ("the",))[0], 0.1, None, plural)

    def _adjective(self, phrase: Phrase, options: SlotOptions) -> Pieces | None:
        use, compared = options.get("use", ("s",))[0], "compared" in options
        how, only = options.get("compared", ("",))[0], options.get("only", ())
        key = (phrase.classes, use, how, only)
        rows = self._adjectives.get(key)
        if rows is None:
            rows = [
                row
                for row in self.lexicon.adjectives
                if use in row.use
                and row.classes & phrase.classes
                and (row.more or not compared)
                and (len(row.more) > 1 or how != "long")
                and not (how == "regular" and row.es_more)
                and (not only or row.en[0] in only)
            ]
            self._adjectives[key] = rows
        if not rows:
            return None
        row = self.pick_unused(rows)
        result = self.adjective(row, phrase)
        if row.more and "degree" in options and self.random() < float(options["degree"][0]):
            degree = self.marked(self.pick(self.lexicon.phrases["degree"]))
            for side in ("es", "en"):
                result.parts[side, ""] = degree.part(side, "") + result.parts[side, ""]
        return result

    def _time(self, of: Predicate, name: str) -> Pieces | None:
        """Choose a time that goes with the tense and with the verb: nobody has breakfast last night or next year."""
        assert of.verb is not None
        daily, label = "d" in of.verb.letters, of.verb.label
        rows = self._times.get((name, of.tense, label, daily))
        if rows is None:
            rows = [
                row
                for row in self.lexicon.phrases[name]
                if of.tense in row.tags and f"-{label}" not in row.tags and not (daily and "long" in row.tags)
            ]
            self._times[name, of.tense, label, daily] = rows
        return self.marked(self.pick(rows)) if rows else None

    def you(self, persons: tuple[int, ...]) -> Pronoun:
        """Choose a pronoun that is you in English: tú, usted, vosotros, ustedes."""
        person = self.pick(persons)
        return self.address(self.pick([row for row in PRONOUNS if row.person == person and row.en == "you"]))

    def _there(self, of: Phrase, tense: Tense, negative: bool) -> Predicate:
        """Say hay, había: there is, there are."""
        key, no = self.new_key(), self.new_key()
        past = tense.es == "imp"
        be = ("were" if of.agreement == 2 else "was") if past else ("are" if of.agreement == 2 else "is")
        es = [Token("había" if past else "hay", (key,))]
        en = [Token("there", (key,), (), "pron"), Token(be, (key,), (), "aux" if be == "is" else "")]
        if negative:
            es.insert(0, Token("no", (no,)))
            en[1] = Token(be + "n't", (key, no))
        return Predicate(key, es_verb=es, en_verb=en)

    def _holder(self, pronouns: float) -> Phrase:
        """Choose somebody: a pronoun, a name, my aunt."""
        chance = self.random()
        if chance < pronouns:
            return self.pronoun_phrase(self.pronoun((0, 1, 2, 3, 4, 5)), False)
        return self.name_phrase() if self.random() < 0.5 else self.holder_noun()

    def _profession(self, of: Phrase, classes: tuple[str, ...]) -> Phrase:
        """Choose a trade that agrees with somebody: no article in Spanish, a in English."""
        nouns = [noun for noun in self.nouns_of(classes) if noun.feminine == of.feminine]
        noun, key = self.pick_unused(nouns), self.new_key()
        many = of.agreement == 2 and of.plural
        en = [Token(word, (key,)) for word in noun.en[many]]
        if not many:
            en.insert(0, Token("a", (), (key,)))
        return Phrase([Token(noun.es[of.plural], (key,))], en, key, feminine=noun.feminine, classes=noun.classes)

    def _bare_noun(self, options: SlotOptions, of: Phrase | None) -> Phrase:
        """Choose a noun without determiner, of the gender of another phrase if there is one."""
        nouns = [noun for noun in self.nouns_of((self.pick(options["class"]),)) if noun.es_count in "cs"]
        if of is not None:
            nouns = [noun for noun in nouns if noun.feminine == of.feminine]
        noun, key = self.pick_unused(nouns), self.new_key()
        plural = "plural" in options and noun.es_count == "c"
        return Phrase(
            [Token(noun.es[plural], (key,))], [Token(word, (key,)) for word in noun.en[plural]], key,
            5 if plural else 2, 2 if plural else 1, noun.feminine, plural, classes=noun.classes,
            stressed_a=noun.stressed_a and not plural,
        )  # fmt: skip

    def _mine(self, of: Phrase, article: bool) -> Phrase:
        """Say mío, mine, with its article where it stands for a thing: el mío."""
        es, en = self.pick(_MINE)
        key = self.new_key()
        word = (es[:-1] + "a" if of.feminine else es) + ("s" if of.plural else "")
        tokens = [Token(word, (key,))]
        if article:
            tokens.insert(0, Token(of.part("es", "art")[0].text, (), (key,)))
        return Phrase(tokens, [Token(en, (key,))], key)

    # Sentences -----------------------------------------------------------------------------------------------

    def _fill(self, places: tuple[_Place, ...], side: str, scope: dict[str, Slot], keys: dict[str, int]) -> list[Token]:
        tokens: list[Token] = []
        for place in places:
            mark = place.mark
            sure = tuple(self._label(label, scope, keys) for label in mark.sure if label != "0")
            loose = tuple(self._label(label, scope, keys) for label in mark.loose)
            if place.slot:
                filled = scope[place.slot].part(side, place.part)
                if filled and place.genitive:
                    owner = scope[place.slot]
                    assert isinstance(owner, Phrase)
                    filled = possessive(owner)
                if filled and (sure or loose):
                    last = filled[-1]
                    filled = [*filled[:-1], last._replace(sure=last.sure + sure, loose=last.loose + loose)]
                tokens += filled
            else:
                tokens.append(Token(mark.text, sure, loose))
        return tokens

    def _label(self, label: str, scope: dict[str, Slot], keys: dict[str, int]) -> int:
        if label in scope:
            return scope[label].key
        if label not in keys:
            keys[label] = self.new_key()
        return keys[label]

    def _finish(self, es: list[Token], en: list[Token], name: str) -> AlignedPair:
        es, en = _spell_spanish(es), self._spell_english(en)
        src, src_tokens = _sentence(es)
        tgt, tgt_tokens = _sentence(en)
        sure_of: dict[int, list[int]] = {}
        loose_of: dict[int, list[int]] = {}
        for j, token in enumerate(tgt_tokens):
            for key in token.sure:
                sure_of.setdefault(key, []).append(j)
            for key in token.loose:
                loose_of.setdefault(key, []).append(j)
        sure: set[tuple[int, int]] = set()
        possible: set[tuple[int, int]] = set()
        for i, token in enumerate(src_tokens):
            for key in token.sure:
                sure.update([(i, j) for j in sure_of.get(key, ())])
                possible.update([(i, j) for j in loose_of.get(key, ())])
            for key in token.loose:
                possible.update([(i, j) for j in sure_of.get(key, ())])
                possible.update([(i, j) for j in loose_of.get(key, ())])
        return AlignedPair(Pair(src, tgt), frozenset(sure), frozenset(possible - sure), name)

    def _spell_english(self, tokens: list[Token]) -> list[Token]:
        """Choose a or an, and contract pronouns with auxiliaries."""
        result: list[Token] = []
        for place, token in enumerate(tokens):
            before = result[-1] if result else None
            following = tokens[place + 1].text if place + 1 < len(tokens) else "."
            if token.text == "a" and takes_an(following):
                token = token._replace(text="an")
            short = _SHORT.get(token.text) if token.kind == "aux" else None
            if (
                short and before is not None and before.kind == "pron" and following not in _CLOSING
                and not (before.text == "it" and short in ("'d", "'ve", "'ll")) and self.random() < _MOSTLY
            ):  # fmt: skip
                result[-1] = Token(before.text + short, before.sure + token.sure, before.loose + token.loose)
            else:
                result.append(token)
        return result


def _spell_spanish(tokens: list[Token]) -> list[Token]:
    """Contract al, del, conmigo and contigo, and write e and u before their own sounds."""
    result: list[Token] = []
    for place, token in enumerate(tokens):
        before = result[-1] if result else None
        following = tokens[place + 1].text.lower() if place + 1 < len(tokens) else ""
        joined = ""
        if before is not None:
            joined = _JOINED.get((before.text, token.text), "")
        if joined and before is not None:
            result[-1] = Token(joined, before.sure + token.sure, before.loose + token.loose)
        elif token.text == "y" and following.startswith(("i", "hi", "í")) and not following.startswith("hie"):
            result.append(token._replace(text="e"))
        elif token.text == "o" and following.startswith(("o", "ho")):
            result.append(token._replace(text="u"))
        else:
            result.append(token)
    return result


_JOINED = {
    ("a", "el"): "al", ("de", "el"): "del", ("con", "mí"): "conmigo", ("con", "ti"): "contigo",
}  # fmt: skip


def _sentence(tokens: list[Token]) -> tuple[str, list[Token]]:
    """Write the text, and give for each of its words the token that it belongs to."""
    text, words = "", []
    capital, glued = True, True
    for token in tokens:
        word = token.text
        if word in _CLOSING:
            text += word
            words.append(token)
            glued = False
            continue
        if word == "-":
            text += word
            words.append(token)
            glued = True
            continue
        if capital and word not in _OPENING:
            word = word[0].upper() + word[1:]
            capital = False
        text += word if glued else " " + word
        glued = word in _OPENING
        if word.isalpha():
            words.append(token)
        else:
            words.extend([token] * len(split_words(word)))
    return text, words
