"""The 80 nouns the COCO detector knows, in its channel order, with their common synonyms.

A row is `name | other names`; the plural follows from the rules of English, save where it stands after a slash (see `nouns.py`).
"""
from trainer.data.nouns import Noun, parse

ROWS = """
person/people | man/men, woman/women, human, boy, girl, child/children, pedestrian
bicycle | bike
car | automobile
motorcycle | motorbike
airplane | plane, aeroplane
bus/buses | coach/coaches
train |
truck | lorry/lorries
boat | ship
traffic light | traffic signal
fire hydrant | hydrant
stop sign |
parking meter |
bench/benches | park bench/park benches
bird |
cat | kitten
dog | puppy/puppies
horse | pony/ponies
sheep/sheep | lamb
cow | cattle/cattle
elephant |
bear |
zebra |
giraffe |
backpack | rucksack, school bag
umbrella | parasol
handbag | purse
tie | necktie
suitcase | luggage/luggage
frisbee | flying disc
skis/skis | pair of skis/pairs of skis
snowboard |
sports ball | ball
kite |
baseball bat |
baseball glove |
skateboard |
surfboard |
tennis racket | racket
bottle |
wine glass/wine glasses | glass of wine/glasses of wine
cup | mug, coffee cup
fork |
knife/knives |
spoon |
bowl |
banana |
apple |
sandwich/sandwiches |
orange | tangerine
broccoli/broccoli |
carrot |
hot dog |
pizza | slice of pizza/slices of pizza
donut | doughnut
cake | birthday cake
chair | seat
couch/couches | sofa
potted plant | plant
bed |
dining table | table
toilet |
tv | television, monitor
laptop | computer
mouse/mice | computer mouse/computer mice
remote | remote control
keyboard |
cell phone | phone, mobile, mobile phone, smartphone
microwave | microwave oven
oven | stove
toaster |
sink | basin
refrigerator | fridge
book |
clock | alarm clock
vase |
scissors/scissors | pair of scissors/pairs of scissors
teddy bear | teddy
hair drier | hair dryer, hairdryer
toothbrush/toothbrushes |
"""

COCO_NOUNS: tuple[Noun, ...] = tuple(parse(f'{row}|') for row in ROWS.strip().splitlines())
