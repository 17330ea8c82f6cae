"""Rebuilds the sprite atlases of SpriteWorld from the emoji packages that npm carries.

    pip install resvg-py pillow
    python assets/build_sprites.py            # downloads to ~/.cache/fovea/emoji with `npm pack`, writes assets/sprites/*.webp and index.json

The packages are needed here only: training and tests read the committed atlases. Licences: NOTICE.md beside this file.
"""
import io
import json
import subprocess
import sys
import tarfile
from pathlib import Path

import resvg_py
from PIL import Image

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
from trainer.data.nouns import BY_NAME, NOUNS  # noqa: E402  (the trainer need not be installed to rebuild its pictures)

TILE = 96
COLUMNS = 16
CACHE = Path.home() / '.cache' / 'fovea' / 'emoji'
PACKAGES = {
    'noto': '@iconify-json/noto@1.2.9',
    'blob': '@iconify-json/noto-v1@1.2.5',
    'twemoji': '@iconify-json/twemoji@1.2.5',
    'emojione': '@iconify-json/emojione@1.2.3',
    'fluent-flat': '@iconify-json/fluent-emoji-flat@1.2.6',
    'fluent-3d': '@lobehub/fluent-emoji-3d@1.1.0',
    'firefox': '@iconify-json/fxemoji@1.2.2',
}
# For single pictures alone: SpriteWorld's clips, and so its exam, are drawn in the styles above.
FURTHER = {
    'fluent-modern': '@lobehub/fluent-emoji-modern@1.0.0',
    'fluent-contrast': '@iconify-json/fluent-emoji-high-contrast@1.2.6',
    'streamline': '@iconify-json/streamline-emojis@1.2.4',
    'park': '@iconify-json/icon-park@1.2.4',
    'game': '@iconify-json/game-icons@1.2.4',
    'material': '@iconify-json/mdi@1.2.3',
    'phosphor': '@iconify-json/ph@1.2.2',
    'awesome': '@iconify-json/fa6-solid@1.2.4',
    'mingcute': '@iconify-json/mingcute@1.2.8',
    'tabler': '@iconify-json/tabler@1.2.41',
    'solar': '@iconify-json/solar@1.2.13',
}
ENDINGS = {'phosphor': ('-fill',), 'mingcute': ('-fill', '-2-fill'), 'tabler': ('-filled',), 'solar': ('-bold',), 'streamline': ('', '-1', '-2'), 'park': ('', '-one', '-two'), 'game': ('', '-head'), 'material': ('', '-variant')}
# What means something else there: a receiver is no cell phone, a screen no laptop, a trophy no cup.
OTHERWISE = set('''
game:phone material:phone awesome:phone phosphor:phone-fill mingcute:phone-fill tabler:phone-filled solar:phone-bold park:phone park:phone-one park:phone-two
park:computer park:computer-one awesome:computer mingcute:computer-fill solar:cup-bold solar:plane-bold game:bulb game:guitar-head park:robot-two park:chair-two
'''.split())

# Firefox OS names its drawings in its own way; what is not here it does not have.
FIREFOX = dict(pair.split('=') for pair in """
person=walking,running bicycle=bicycle car=automobile,recreationalvehicle motorcycle=motorcycle airplane=airplane bus=bus train=train,steamlocomotive
truck=deliverytruck,articulatedlorry boat=speedboat traffic_light=verticaltrafficlight cat=catside,cat dog=dogside,dog horse=horse,horseface
sheep=sheep cow=cow,cowface elephant=elephant bear=bear backpack=schoolsatchel umbrella=umbrella handbag=handbag tie=tie skis=skiandskiboot
sports_ball=soccerball,baseball wine_glass=wineglass cup=hotbeverage knife=hocho banana=banana apple=redapple,greenapple
orange=tangerine pizza=sliceofpizza donut=doughnut cake=birthdaycake,shortcake toilet=toilet tv=television mouse=twobuttonmouse,threebuttonmouse,onebuttonmouse
keyboard=wiredkeyboard cell_phone=cellphone book=closedbook,greenbook,bluebook,orangebook clock=alarmclock,manltepiececlock scissors=blackscissors tiger=tigerside
monkey=monkey pig=pigside rabbit=bunnyside,bunny rat=rat squirrel=chipmunk camel=bactriancamel,dromedarycamel goat=goat panda=pandaface koala=koala frog=frog
crocodile=crocodile turtle=turtle snake=snake whale=whale,spurtingwhale dolphin=dolphin fish=fish octopus=octopus penguin=penguin snail=snail bee=honeybee
spider=spider strawberry=strawberry cherries=cherries grapes=grapes watermelon=watermelon pineapple=pineapple lemon=lemon pear=pear tomato=tomato corn=earofmaize
mushroom=mushroom pumpkin=jackolantern bread=bread hamburger=hamburger french_fries=frenchfries cookie=cookie ice_cream=softicecream beer=beermug hat=tophat
crown=crown glasses=glasses sunglasses=darksunglasses shoe=mensshoe dress=dress guitar=guitar piano=musicalkeyboard violin=violin microphone=microphone,studiomic
camera=camera telephone=blacktelephone light_bulb=lightbulb key=key padlock=lock hammer=hammer wrench=wrench balloon=balloon gift=present
rocket=rocket helicopter=helicopter tractor=tractor fire_truck=fireengine house=housebuilding tree=deciduoustree cactus=cactus
flower=sunflower,rose,tulip,hibiscus snowman=snowmanwithoutsnow bell=bell pencil=pencil,lowerleftpencil envelope=envelope shirt=mansshirt
""".split())


def unpack(package: str) -> Path:
    CACHE.mkdir(parents=True, exist_ok=True)
    name = package.lstrip('@').rsplit('@', 1)
    archive = CACHE / f"{name[0].replace('/', '-')}-{name[1]}.tgz"
    if not archive.exists():
        subprocess.run(['npm', 'pack', '--silent', package], cwd=CACHE, check=True)
    folder = archive.with_suffix('')
    if not folder.exists():
        with tarfile.open(archive) as bundle:
            bundle.extractall(folder, filter='data')
    return folder / 'package'


class IconifyStyle:
    """A set in Iconify's JSON: bodies of SVG by name, with aliases."""

    def __init__(self, folder: Path, names: dict[str, str]):
        self.icons = json.loads((folder / 'icons.json').read_text())
        self.names = names  # code point → name, from a set that lists code points

    def find(self, noun: str, code: str) -> Image.Image | None:
        for name in (self.names.get(code), (self.names.get(code) or '') + '-face'):
            if name and (name in self.icons['icons'] or name in self.icons.get('aliases', {})):
                return self.draw(name)
        return None

    def draw(self, name: str) -> Image.Image:
        icon = self.icons['icons'].get(name) or self.icons['icons'][self.icons['aliases'][name]['parent']]
        width = icon.get('width', self.icons.get('width', 16))
        height = icon.get('height', self.icons.get('height', 16))
        box = f"{icon.get('left', 0)} {icon.get('top', 0)} {width} {height}"
        svg = f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="{box}" width="{width}" height="{height}">{icon["body"]}</svg>'
        return drawn(svg)


def drawn(svg: str) -> Image.Image:
    return Image.open(io.BytesIO(bytes(resvg_py.svg_to_bytes(svg_string=svg, width=2 * TILE)))).convert('RGBA')


class FirefoxStyle(IconifyStyle):
    def drawings(self, noun: str) -> list[Image.Image]:
        return [self.draw(name) for name in FIREFOX.get(noun.replace(' ', '_'), '').split(',') if name]


class NamedStyle(IconifyStyle):
    """A set that names its drawings in English."""

    def __init__(self, folder: Path, style: str):
        super().__init__(folder, {})
        self.style, self.endings = style, ENDINGS.get(style, ('',))

    def drawings(self, noun: str) -> list[Image.Image]:
        known = self.icons['icons'].keys() | self.icons.get('aliases', {}).keys()
        forms = [noun, *(singular for singular, _ in BY_NAME[noun].synonyms)]
        names = [form.replace(' ', '-') + ending for form in forms for ending in self.endings]
        return [self.draw(name) for name in names if name in known and f'{self.style}:{name}' not in OTHERWISE][:3]


class PictureStyle:
    """A set of ready pictures named by code point."""

    def __init__(self, folder: Path):
        self.files = {p.stem.replace('-fe0f', ''): p for p in (folder / 'assets').glob('*.*')}

    def find(self, noun: str, code: str) -> Image.Image | None:
        path = self.files.get(code)
        if path is None:
            return None
        if path.suffix == '.svg':
            return drawn(path.read_text())
        return Image.open(path).convert('RGBA')


def tile(picture: Image.Image) -> Image.Image:
    """The drawing cut to its visible part and centred, as large as the tile allows."""
    box = picture.getchannel('A').point(lambda a: 255 if a > 24 else 0).getbbox()
    cut = picture.crop(box)
    scale = TILE / max(cut.size)
    cut = cut.resize((max(1, round(cut.width * scale)), max(1, round(cut.height * scale))), Image.Resampling.LANCZOS)
    out = Image.new('RGBA', (TILE, TILE))
    out.paste(cut, ((TILE - cut.width) // 2, (TILE - cut.height) // 2))
    return out


def source_of(style: str, folder: Path, names: dict[str, str]) -> IconifyStyle | PictureStyle:
    if style == 'firefox':
        return FirefoxStyle(folder, names)
    if style in ('fluent-3d', 'fluent-modern'):
        return PictureStyle(folder)
    if style in FURTHER and style != 'fluent-contrast':
        return NamedStyle(folder, style)
    own = folder / 'chars.json'
    listed = {k.replace('-fe0f', ''): v for k, v in json.loads(own.read_text()).items()} if own.exists() else {}
    return IconifyStyle(folder, listed or names)


def build(style: str, package: str, names: dict[str, str], target: Path) -> dict[str, list[int]]:
    """Writes the style's atlas; which of its tiles show each noun."""
    source = source_of(style, unpack(package), names)
    tiles: list[Image.Image] = []
    places: dict[str, list[int]] = {}
    for noun in NOUNS:
        found = source.drawings(noun.name) if isinstance(source, (FirefoxStyle, NamedStyle)) else [source.find(noun.name, code) for code in noun.codes]
        for picture in found:
            if picture is not None:
                places.setdefault(noun.name, []).append(len(tiles))
                tiles.append(tile(picture))
    rows = -(-len(tiles) // COLUMNS)
    atlas = Image.new('RGBA', (COLUMNS * TILE, rows * TILE))
    for i, picture in enumerate(tiles):
        atlas.paste(picture, (i % COLUMNS * TILE, i // COLUMNS * TILE))
    atlas.save(target / f'{style}.webp', quality=82, alpha_quality=90, method=6)
    missing = [n.name for n in NOUNS if n.name not in places]
    print(f'{style}: {len(tiles)} drawings of {len(places)} nouns, {(target / f"{style}.webp").stat().st_size // 1024} KB; without: {", ".join(missing) or "none"}')
    return places


def main() -> None:
    target = HERE / 'sprites'
    target.mkdir(exist_ok=True)
    names: dict[str, str] = {}
    for style in ('fluent-flat', 'noto', 'twemoji'):
        names |= {k.replace('-fe0f', ''): v for k, v in json.loads((unpack(PACKAGES[style]) / 'chars.json').read_text()).items()}
    styles, further = ({style: build(style, package, names, target) for style, package in packages.items()} for packages in (PACKAGES, FURTHER))
    (target / 'index.json').write_text(json.dumps({'tile': TILE, 'columns': COLUMNS, 'styles': styles, 'further': further}, separators=(',', ':')))


if __name__ == '__main__':
    main()
