from tests.e2e.surfaces.pages import Widget
from evals.world import scenarios
from playwright.sync_api import expect
pytest_plugins = ["tests.e2e.surfaces.fixtures"]
def test_reload(acts, scene, browse):
    spec = scene(scenarios.second_not_ready)
    context = browse()
    shop = Widget(context, acts.shop_page(spec)).open()
    shop.send("Hello there!")
    expect(shop.log.locator(".message.bot")).to_have_count(1)
    bad = 0
    for n in range(25):
        shop.page.reload()
        shop.page.wait_for_timeout([0, 30, 60, 100, 200][n % 5])
        shop.page.locator("stepfour-chat .launcher").click()
        try:
            expect(shop.panel).to_be_visible(timeout=4000)
        except AssertionError:
            bad += 1
            print(n, "not open", shop.complaints, shop.page.evaluate("() => { const e=document.querySelector('stepfour-chat'); const l=e.shadowRoot.querySelector('.launcher'); const d=e.shadowRoot.querySelector('dialog'); return [e.outerHTML, l.outerHTML.slice(0,300), d && d.open, !!e.talk]}"))
    print("bad", bad)
    assert not bad
