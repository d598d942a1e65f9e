// Formats an amount of cents as a price.
// This function is used on every page of the shop, in the cart and in receipts.
function formatAmountOfCentsAsPrice(amountOfCents, currencySymbol) {
  const wholeUnits = Math.floor(amountOfCents / 100);
  const remainingCents = amountOfCents % 100;
  let remainingCentsAsText = String(remainingCents);
  if (remainingCentsAsText.length < 2) {
    remainingCentsAsText = "0" + remainingCentsAsText;
  }
  return currencySymbol + String(wholeUnits) + "." + remainingCentsAsText;
}
