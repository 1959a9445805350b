"""The tools of the tool-choice task: what each is called, what it takes, and what people say who need it.

Written for this project. Tools of one group are near misses of each other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lottery_plugins.tasks.randomness import Rng
from lottery_plugins.tasks.words import NAMES, word_list

__all__ = ["NEEDLESS", "PARAMETERS", "TOOLS", "OfferedTool", "Value"]

Value = str | int
CITIES = word_list("Paris London Rome Berlin Madrid Vienna Oslo Lisbon Athens Cairo Tokyo Dublin Prague Warsaw Lima")
LANGUAGES = word_list("French German Spanish Italian Polish Greek Turkish Dutch Finnish Danish")
SONGS = word_list("Silver Moon|Old River|Blue Morning|Winter Road|Little Bird|Golden Bell|Quiet Sea|Summer Rain")
DISHES = word_list("pancakes|onion soup|apple pie|fish stew|lentil curry|potato salad|carrot cake|bean chili")
TOPICS = word_list("parking|noise at night|dog leashes|holiday pay|bicycle lights|tree cutting|street music|camping")
PLANTS = word_list("fern|basil|cactus|tulip|orchid|lavender|ivy|daisy|mint|maple")
GOODS = word_list("laptop|tent|kettle|camera|sofa|blender|bicycle|printer")


def _from(items: tuple[str, ...]) -> Callable[[Rng], Value]:
    return lambda rng: rng.choice(items)


def _number(low: int, high: int) -> Callable[[Rng], Value]:
    return lambda rng: rng.between(low, high)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a tool: its JSON schema type, what it means, and how a value is drawn."""

    type: str
    description: str
    draw: Callable[[Rng], Value]


PARAMETERS: Mapping[str, Parameter] = {
    "city": Parameter("string", "name of the city", _from(CITIES)),
    "days": Parameter("integer", "number of days", _number(2, 9)),
    "minutes": Parameter("integer", "number of minutes", _number(2, 90)),
    "hour": Parameter("integer", "full hour, 0 to 23", _number(5, 22)),
    "amount": Parameter("integer", "sum of money", _number(20, 900)),
    "percent": Parameter("integer", "part of a hundred", _number(2, 95)),
    "first": Parameter("integer", "first number", _number(12, 99)),
    "second": Parameter("integer", "second number", _number(12, 99)),
    "person": Parameter("string", "first name of the person", _from(NAMES)),
    "language": Parameter("string", "name of the language", _from(LANGUAGES)),
    "word": Parameter("string", "a word", _from(word_list("bread house river window candle garden bridge letter"))),
    "song": Parameter("string", "title of the song", _from(SONGS)),
    "level": Parameter("integer", "volume from 0 to 10", _number(1, 10)),
    "dish": Parameter("string", "name of the dish", _from(DISHES)),
    "topic": Parameter("string", "what it is about", _from(TOPICS)),
    "plant": Parameter("string", "name of the plant", _from(PLANTS)),
    "product": Parameter("string", "name of the product", _from(GOODS)),
}


@dataclass(frozen=True, slots=True)
class OfferedTool:
    """A tool, or the search of a knowledge base.

    Attributes:
        name: What is called.
        group: Tools of one group are easily confused.
        description: What it does.
        requests: What people say who need it; names of parameters in braces.
        parameters: Names of its parameters.
        is_knowledge: It searches a knowledge base.
    """

    name: str
    group: str
    description: str
    requests: tuple[str, ...]
    parameters: tuple[str, ...]
    is_knowledge: bool = False


def _tool(name: str, group: str, description: str, requests: str, parameters: str) -> OfferedTool:
    is_knowledge = name.startswith("search_")
    return OfferedTool(name, group, description, tuple(requests.split("|")), tuple(parameters.split()), is_knowledge)


TOOLS = (
    _tool("current_weather", "weather", "Tells the weather in a city right now.",
          "What is the weather in {city} right now?|Is it raining in {city} at the moment?", "city"),
    _tool("weather_forecast", "weather", "Tells the weather of the next days in a city.",
          "How will the weather be in {city} over the next {days} days?|"
          "I travel to {city}. What weather is expected in the coming {days} days?", "city days"),
    _tool("air_quality", "weather", "Tells how clean the air in a city is.",
          "How clean is the air in {city}?|Is there much smog in {city} today?", "city"),
    _tool("local_time", "clock", "Tells what time it is in a city.",
          "What time is it in {city}?|How late is it now for people in {city}?", "city"),
    _tool("set_alarm", "clock", "Sets an alarm for a full hour.",
          "Wake me up at {hour} o'clock.|I must get up at {hour} o'clock, please ring.", "hour"),
    _tool("start_timer", "clock", "Starts a timer that rings after some minutes.",
          "Ring in {minutes} minutes.|The eggs need {minutes} minutes, tell me when they are over.", "minutes"),
    _tool("add", "numbers", "Adds two numbers.",
          "How much is {first} plus {second}?|What is the sum of {first} and {second}?", "first second"),
    _tool("multiply", "numbers", "Multiplies two numbers.",
          "How much is {first} times {second}?|What is the product of {first} and {second}?", "first second"),
    _tool("percentage", "numbers", "Tells how much some percent of an amount are.",
          "How much is {percent} percent of {amount}?|I get {percent} percent off {amount} dollars. How much is that?",
          "percent amount"),
    _tool("send_money", "people", "Sends an amount of money to a person.",
          "Send {amount} dollars to {person}.|I owe {person} {amount} dollars, please pay.", "person amount"),
    _tool("call_person", "people", "Calls a person on the telephone.",
          "Call {person}.|I want to speak to {person} on the telephone.", "person"),
    _tool("read_messages", "people", "Reads the new messages of a person.",
          "What did {person} write to me?|Are there new messages from {person}?", "person"),
    _tool("translate_word", "language", "Translates a word into a language.",
          "What is {word} in {language}?|How do you say {word} in {language}?", "word language"),
    _tool("spell_word", "language", "Spells a word letter by letter.",
          "How is {word} spelled?|Spell {word} for me.", "word"),
    _tool("find_teacher", "language", "Finds a teacher of a language in a city.",
          "I want to learn {language} in {city}. Who teaches it?|Find me a {language} teacher in {city}.",
          "language city"),
    _tool("play_song", "music", "Plays a song.", "Play {song}.|I want to hear the song {song}.", "song"),
    _tool("show_lyrics", "music", "Shows the words of a song.",
          "What are the words of the song {song}?|Show me the text of {song}, I want to sing it.", "song"),
    _tool("set_volume", "music", "Sets how loud the music is.",
          "Set the volume to {level}.|Make the music as loud as {level}.", "level"),
    _tool("search_recipes", "knowledge", "Searches a cookbook for a dish.",
          "How do I cook {dish}?|What goes into {dish}?", "dish"),
    _tool("search_laws", "knowledge", "Searches the laws of the town for a topic.",
          "What do the laws of the town say about {topic}?|Which rules are there on {topic}?", "topic"),
    _tool("search_plants", "knowledge", "Searches a handbook of plants for a plant.",
          "How much water does a {plant} need?|Where does {plant} grow best?", "plant"),
    _tool("search_manuals", "knowledge", "Searches the manuals of a shop for a product.",
          "How do I clean my new {product}?|What does the manual of the {product} say about repairs?", "product"),
)  # fmt: skip

NEEDLESS = (
    "Say hello to {person}.",
    "Thank {person} in one sentence.",
    "Write a sentence with the word {word}.",
    "Which letter does the word {word} begin with?",
    "Tell {person} a joke.",
    "Wish {person} a good night.",
    "Make up a name for a cat that lives in {city}.",
    "Give me a word that rhymes with {word}.",
)
"""What needs no tool."""
