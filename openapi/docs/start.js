// Shows the specification this server serves. The token a reader enters stays in the page's memory.
window.addEventListener("load", () => {
  SwaggerUIBundle({ url: "openapi.yaml", dom_id: "#viewer", deepLinking: true, persistAuthorization: false, validatorUrl: null });
});
